//! Weapons and armor of both editions.

use anyhow::{Context, Result, bail};
use gss_rules::content::{Armor, AttackKind, AttackProperty, RangeFt, Weapon, WeaponCategory};
use gss_rules::effect::DamageDice;
use serde_json::Value;

use super::source51::{int, key};
use super::text::{formula, re, slug, word};

/// Of armor that takes the whole Dexterity modifier.
const ANY_DEXTERITY: i32 = 99;

/// Reads all weapons of an edition.
pub(super) fn weapons(edition: &str, sources: &Value) -> Result<Vec<Weapon>> {
    let mut weapons: Vec<Weapon> = if edition == "5.1" {
        let all = sources["5.1"]["equipment"].as_array().context("no equipment")?;
        let weapons = all.iter().filter(|it| it["equipment_category"]["index"] == "weapon");
        weapons
            .map(|it| old_weapon(it).with_context(|| it["name"].to_string()))
            .collect::<Result<_>>()?
    } else {
        let all = sources["5.2"]["weapons"].as_array().context("no weapons")?;
        all.iter()
            .map(|it| new_weapon(it).with_context(|| it["name"].to_string()))
            .collect::<Result<_>>()?
    };
    weapons.sort_by(|a, b| a.id.cmp(&b.id));
    Ok(weapons)
}

/// Reads all armor of an edition.
pub(super) fn armor(edition: &str, sources: &Value) -> Result<Vec<Armor>> {
    let mut armor: Vec<Armor> = if edition == "5.1" {
        let all = sources["5.1"]["equipment"].as_array().context("no equipment")?;
        let armor = all.iter().filter(|it| it["equipment_category"]["index"] == "armor");
        armor.map(old_armor).collect::<Result<_>>()?
    } else {
        let all = sources["5.2"]["armor"].as_array().context("no armor")?;
        all.iter().map(new_armor).collect::<Result<_>>()?
    };
    armor.sort_by(|a, b| a.id.cmp(&b.id));
    Ok(armor)
}

fn empty(id: &str, name: &Value, category: &Value, kind: &Value) -> Result<Weapon> {
    let category: WeaponCategory =
        word(category.as_str().context("category")?).context("category")?;
    let kind: AttackKind = word(kind.as_str().context("kind")?).context("kind")?;
    Ok(Weapon {
        id: key(id)?,
        name: name.as_str().context("name")?.to_owned(),
        category,
        kind,
        damage: None,
        versatile: None,
        range_ft: None,
        properties: Vec::new(),
        special: false,
        two_handed_unless_mounted: false,
        ammunition: None,
        mastery: None,
    })
}

fn old_weapon(source: &Value) -> Result<Weapon> {
    let id = source["index"].as_str().context("index")?;
    let mut weapon =
        empty(id, &source["name"], &source["weapon_category"], &source["weapon_range"])?;
    let damage = |it: &Value| {
        let kind = word(it["damage_type"]["index"].as_str()?)?;
        Some(DamageDice { dice: formula(it["damage_dice"].as_str()?)?, kind })
    };
    weapon.damage = damage(&source["damage"]);
    weapon.versatile = damage(&source["two_handed_damage"]).map(|it| it.dice);
    for it in source["properties"].as_array().into_iter().flatten() {
        match it["index"].as_str().context("property")? {
            "special" => weapon.special = true,
            "monk" => {}
            name => weapon.properties.push(word(&name.replace('-', "_")).context("property")?),
        }
    }
    let thrown = weapon.properties.contains(&AttackProperty::Thrown);
    let range = if thrown { &source["throw_range"] } else { &source["range"] };
    if thrown || weapon.kind == AttackKind::Ranged {
        let long = range.get("long").map(int).transpose()?;
        weapon.range_ft = Some(RangeFt { normal: int(&range["normal"])?, long });
    }
    if weapon.properties.contains(&AttackProperty::Ammunition) {
        let shot = match id {
            "blowgun" => "blowgun-needle",
            "sling" => "sling-bullet",
            _ if id.starts_with("crossbow") => "crossbow-bolt",
            _ => "arrow",
        };
        weapon.ammunition = Some(key(shot)?);
    }
    weapon.properties.sort_unstable();
    Ok(weapon)
}

fn new_weapon(source: &Value) -> Result<Weapon> {
    let id = slug(source["name"].as_str().context("name")?);
    let mut weapon = empty(&id, &source["name"], &source["category"], &source["kind"])?;
    let kind = word(source["damage_type"].as_str().context("type")?).context("type")?;
    let dice = formula(source["damage_dice"].as_str().context("dice")?).context("dice")?;
    weapon.damage = Some(DamageDice { dice, kind });
    weapon.mastery = word(source["mastery"].as_str().context("mastery")?);
    for it in source["properties"].as_array().into_iter().flatten() {
        let it = it.as_str().context("property")?;
        let found = re!(
            r"^([A-Z][a-z-]+(?:-[A-Z][a-z]+)?)(?: \((?:Range (\d+)/(\d+)(?:; ([A-Z][a-z]+))?|(\d+d\d+)|(unless mounted))\))?$"
        )
        .captures(it)
        .with_context(|| it.to_owned())?;
        weapon.properties.push(word(&found[1].replace('-', "_")).context("property")?);
        if let (Some(normal), Some(long)) = (found.get(2), found.get(3)) {
            let long = Some(long.as_str().parse()?);
            weapon.range_ft = Some(RangeFt { normal: normal.as_str().parse()?, long });
        }
        if let Some(shot) = found.get(4) {
            let shot = match (shot.as_str(), id.as_str()) {
                ("Bullet", "sling") => "bullet-sling".to_owned(),
                ("Bullet", _) => "bullet-firearm".to_owned(),
                (other, _) => slug(other),
            };
            weapon.ammunition = Some(key(&shot)?);
        }
        weapon.versatile = weapon.versatile.or_else(|| formula(found.get(5)?.as_str()));
        weapon.two_handed_unless_mounted |= found.get(6).is_some();
    }
    weapon.properties.sort_unstable();
    Ok(weapon)
}

fn old_armor(source: &Value) -> Result<Armor> {
    let class = &source["armor_class"];
    let dex = class["dex_bonus"].as_bool().unwrap_or(false);
    let most = class.get("max_bonus").map(int).transpose()?;
    let strength = u8::try_from(int(&source["str_minimum"])?)?;
    Ok(Armor {
        id: key(source["index"].as_str().context("index")?)?,
        name: source["name"].as_str().context("name")?.to_owned(),
        category: word(source["armor_category"].as_str().context("category")?)
            .context("category")?,
        ac: int(&class["base"])?,
        dex_max: dex.then_some(most.unwrap_or(ANY_DEXTERITY)),
        strength: (strength > 0).then_some(strength),
        stealth_disadvantage: source["stealth_disadvantage"].as_bool().unwrap_or(false),
    })
}

fn new_armor(source: &Value) -> Result<Armor> {
    let name = source["name"].as_str().context("name")?;
    let ac = if source["base_ac"].is_null() { &source["ac_bonus"] } else { &source["base_ac"] };
    let dex_max = match &source["dex_cap"] {
        Value::Null => None,
        Value::String(text) if text == "none" => Some(ANY_DEXTERITY),
        Value::Number(_) => Some(int(&source["dex_cap"])?),
        other => bail!("{name}: dex_cap {other}"),
    };
    let strength = source["strength_requirement"].as_u64();
    Ok(Armor {
        id: key(&slug(name))?,
        name: name.to_owned(),
        category: word(source["category"].as_str().context("category")?).context("category")?,
        ac: int(ac)?,
        dex_max,
        strength: strength.map(u8::try_from).transpose()?,
        stealth_disadvantage: source["stealth_disadvantage"].as_bool().unwrap_or(false),
    })
}
