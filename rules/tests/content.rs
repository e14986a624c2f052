//! The content that is built in: what it holds, and that its numbers are those of its sources.
//!
//! `content/digest-*.json` has the numbers of every entry's printed text, found without looking at
//! the structure; the structure is compared with them.

use std::collections::BTreeMap;

use gss_rules::Edition;
use gss_rules::content::{
    Attack, Content, Detail, Entry, EntryClass, Monster, OutcomeSpec, Rider, SpecialAction, Texts,
};
use gss_rules::effect::{DamageDice, SaveSpec};
use serde::Deserialize;

/// Numbers of a text, each kind in the order of printing.
#[derive(Deserialize, Default)]
#[serde(default, deny_unknown_fields)]
struct Digest {
    hit: Vec<i32>,
    reach: Vec<i32>,
    range: Vec<Vec<i32>>,
    damage: Vec<(i64, String, String)>,
    dice: Vec<String>,
    saves: Vec<(String, i32)>,
    dcs: Vec<i32>,
    feet: Vec<i32>,
    hit_points: Vec<i32>,
    bonuses: Vec<i32>,
}

type Digests = BTreeMap<String, BTreeMap<String, Digest>>;

const EDITIONS: [Edition; 2] = [Edition::E51, Edition::E52];

fn content(edition: Edition) -> Content {
    Content::parse(Texts::of(edition)).expect("content")
}

fn digests(edition: Edition) -> Digests {
    let text = match edition {
        Edition::E51 => include_str!("content/digest-5.1.json"),
        Edition::E52 => include_str!("content/digest-5.2.json"),
    };
    serde_json::from_str(text).expect("digest")
}

/// As the digest writes it.
fn printed(damage: &DamageDice) -> (i64, String, String) {
    let kind = serde_json::to_value(damage.kind).expect("a word");
    let average = damage.dice.average().expect("plain dice");
    (average, damage.dice.as_str().to_owned(), kind.as_str().expect("a word").to_owned())
}

fn saved(save: &SaveSpec) -> (String, i32) {
    let ability = serde_json::to_value(save.ability).expect("a word");
    (ability.as_str().expect("a word").to_owned(), save.dc)
}

fn attack<'a>(monster: &'a Monster, entry: &Entry) -> Option<&'a Attack> {
    monster.block.attacks.iter().find(|it| it.attack_id == entry.id)
}

fn use_of<'a>(monster: &'a Monster, entry: &Entry) -> Option<&'a SpecialAction> {
    monster.block.uses.iter().find(|it| it.use_id == entry.id)
}

fn outcome(spec: Option<&OutcomeSpec>) -> Vec<DamageDice> {
    spec.map(|it| it.damage.clone()).unwrap_or_default()
}

/// All damage that the record of an attack has.
fn damage_of_attack(attack: &Attack, detail: Option<&Detail>, edition: Edition) -> Vec<DamageDice> {
    let mut all = attack.damage.clone();
    all.extend(attack.two_handed_damage.clone());
    all.extend(detail.into_iter().flat_map(|it| &it.variants).flat_map(|it| it.damage.clone()));
    if let Some(Rider { damage, fail, success, always, .. }) = attack.on_hit.as_deref() {
        all.extend(damage.clone());
        for spec in [fail, success, always] {
            all.extend(outcome(spec.as_ref()));
            all.extend(each_turn(spec.as_ref(), edition));
        }
    }
    all
}

/// Damage that an effect does each turn. What burning does is in no stat block of SRD 5.2.1 but in
/// its glossary.
fn each_turn(spec: Option<&OutcomeSpec>, edition: Edition) -> Vec<DamageDice> {
    let Some(effect) = spec.and_then(|it| it.effect.as_ref()) else { return Vec::new() };
    let burns = effect.key.as_ref().is_some_and(|key| key.as_str() == "burning");
    let damage = effect.damage.as_ref().filter(|_| !burns || edition == Edition::E51);
    damage.map(|it| it.dice.clone()).unwrap_or_default()
}

fn damage_of_use(action: &SpecialAction) -> Vec<DamageDice> {
    let mut all = action.damage.clone();
    for spec in [&action.fail, &action.success, &action.always] {
        all.extend(outcome(spec.as_ref()));
    }
    all
}

/// Every part is printed; where the entry is understood as a whole, nothing else is.
fn same_damage(place: &str, record: &[DamageDice], digest: &Digest, whole: bool) {
    let record: Vec<_> = record.iter().map(printed).collect();
    for part in &record {
        assert!(digest.damage.contains(part), "{place}: {part:?} is not printed");
    }
    for part in digest.damage.iter().filter(|_| whole) {
        assert!(record.contains(part), "{place}: {part:?} is not in the record");
    }
}

#[test]
fn attacks_have_the_numbers_that_are_printed() {
    let expected = [(Edition::E51, 533), (Edition::E52, 423)];
    for (edition, count) in expected {
        let (content, digests) = (content(edition), digests(edition));
        let mut seen = 0;
        for monster in content.monsters.values() {
            for entry in &monster.entries {
                let Some(attack) = attack(monster, entry) else { continue };
                seen += 1;
                let place = format!("{edition:?} {} {}", monster.id, entry.id);
                let digest = &digests[monster.id.as_str()][entry.id.as_str()];
                assert_eq!(digest.hit, [attack.bonus], "{place}");
                assert_eq!(digest.reach, Vec::from_iter(attack.reach_ft), "{place}");
                let range = attack
                    .range_ft
                    .map(|it| Vec::from_iter([it.normal].into_iter().chain(it.long)));
                assert_eq!(digest.range, Vec::from_iter(range), "{place}");
                let detail = monster.details.get(&entry.id);
                let whole = entry.class != EntryClass::AttackPart;
                same_damage(&place, &damage_of_attack(attack, detail, edition), digest, whole);
                if whole {
                    let save = attack.on_hit.as_ref().and_then(|it| it.save);
                    assert_eq!(digest.saves, Vec::from_iter(save.as_ref().map(saved)), "{place}");
                    let escape = detail.and_then(|it| it.escape_dc);
                    assert_eq!(digest.dcs, Vec::from_iter(escape), "{place}");
                }
            }
            assert_eq!(
                monster.block.attacks.len(),
                monster.entries.iter().filter(|it| attack(monster, it).is_some()).count(),
                "{}: an attack without an entry",
                monster.id
            );
        }
        assert_eq!(seen, count, "{edition:?}");
    }
}

#[test]
fn uses_have_the_numbers_that_are_printed() {
    for edition in EDITIONS {
        let (content, digests) = (content(edition), digests(edition));
        for monster in content.monsters.values() {
            for entry in monster.entries.iter().filter(|it| it.class == EntryClass::Use) {
                let place = format!("{edition:?} {} {}", monster.id, entry.id);
                let Some(action) = use_of(monster, entry) else {
                    assert_eq!(entry.id.as_str(), "breath-weapons", "{place}");
                    continue;
                };
                let digest = &digests[monster.id.as_str()][entry.id.as_str()];
                same_damage(&place, &damage_of_use(action), digest, true);
                assert_eq!(
                    digest.saves,
                    Vec::from_iter(action.save.as_ref().map(saved)),
                    "{place}"
                );
                let healing = action.healing.as_ref().map(|it| it.as_str().to_owned());
                assert_eq!(digest.dice, Vec::from_iter(healing), "{place}");
                let area = action.area.into_iter();
                let feet = area.flat_map(|it| [Some(it.size_ft), it.width_ft, it.height_ft]);
                for feet in feet.chain([action.range_ft]).flatten() {
                    assert!(digest.feet.contains(&feet), "{place}: {feet} ft");
                }
            }
        }
    }
}

/// Breaths to choose from are one entry with a use for each.
#[test]
fn uses_that_share_an_entry_have_its_numbers() {
    let mut seen = 0;
    for edition in EDITIONS {
        let (content, digests) = (content(edition), digests(edition));
        for monster in content.monsters.values() {
            for (id, detail) in &monster.details {
                let Some(shared) = &detail.shared else { continue };
                seen += 1;
                let place = format!("{edition:?} {} {id}", monster.id);
                let action = monster.block.uses.iter().find(|it| it.use_id == *id).expect("a use");
                let digest = &digests[monster.id.as_str()][shared.as_str()];
                same_damage(&place, &damage_of_use(action), digest, false);
                let save = action.save.as_ref().map(saved);
                assert!(save.is_none_or(|it| digest.saves.contains(&it)), "{place}");
                assert!(action.recharge.is_some(), "{place}");
            }
        }
    }
    assert_eq!(seen, 40);
}

#[test]
fn entries_that_are_not_understood_keep_their_numbers() {
    for edition in EDITIONS {
        let (content, digests) = (content(edition), digests(edition));
        for monster in content.monsters.values() {
            for entry in &monster.entries {
                let left = [EntryClass::Trait, EntryClass::Named, EntryClass::AttackPart];
                let place = format!("{edition:?} {} {}", monster.id, entry.id);
                let facts = monster.details.get(&entry.id).and_then(|it| it.facts.clone());
                if !left.contains(&entry.class) {
                    assert_eq!(facts, None, "{place}");
                    continue;
                }
                let digest =
                    digests.get(monster.id.as_str()).and_then(|it| it.get(entry.id.as_str()));
                let (facts, none) = (facts.unwrap_or_default(), Digest::default());
                let digest = digest.unwrap_or(&none);
                let damage: Vec<_> = facts.damage.iter().map(printed).collect();
                assert_eq!(damage, digest.damage, "{place}");
                let dice: Vec<_> = facts.dice.iter().map(|it| it.as_str().to_owned()).collect();
                assert_eq!(dice, digest.dice, "{place}");
                assert_eq!(
                    facts.saves.iter().map(saved).collect::<Vec<_>>(),
                    digest.saves,
                    "{place}"
                );
                assert_eq!(facts.dcs, digest.dcs, "{place}");
                assert_eq!(facts.feet, digest.feet, "{place}");
                assert_eq!(facts.hit_points, digest.hit_points, "{place}");
                assert_eq!(facts.bonuses, digest.bonuses, "{place}");
            }
        }
    }
}

#[test]
fn hit_points_are_the_average_of_their_dice() {
    for edition in EDITIONS {
        for monster in content(edition).monsters.values() {
            let dice = monster.block.hp_dice.as_ref().expect("hit dice");
            let max = i64::from(monster.block.hp.max);
            assert_eq!(dice.average(), Some(max), "{edition:?} {}", monster.id);
            assert_eq!(monster.block.hp.current, monster.block.hp.max);
        }
    }
}

#[test]
fn what_is_named_is_there() {
    for edition in EDITIONS {
        let content = content(edition);
        for monster in content.monsters.values() {
            let block = &monster.block;
            let place = format!("{edition:?} {}", monster.id);
            let known = |key: &gss_rules::Key| {
                block.attacks.iter().any(|it| it.attack_id == *key)
                    || block.uses.iter().any(|it| it.use_id == *key)
            };
            let made = monster.details.values().flat_map(|it| &it.makes);
            for key in block.multiattack.iter().chain(made).flatten() {
                assert!(known(key), "{place}: {key}");
            }
            for (key, detail) in &monster.details {
                let entry = monster.entries.iter().any(|it| it.id == *key);
                assert!(entry || known(key), "{place}: detail of {key}");
                for cast in &detail.casts {
                    let spell = content.spells.get(&cast.spell).expect("a spell");
                    assert!(cast.level.is_none_or(|it| it > spell.level), "{place}: {key}");
                }
            }
            let at_will = monster.details.values().flat_map(|it| &it.at_will);
            for spell in block.spellcasting.iter().flat_map(|it| &it.spells).chain(at_will) {
                assert!(content.spells.contains_key(spell), "{place}: {spell}");
            }
            for form in &monster.forms {
                assert!(content.monsters.contains_key(form), "{place}: {form}");
            }
            let mut ids: Vec<_> = monster.entries.iter().map(|it| &it.id).collect();
            ids.sort();
            ids.dedup();
            assert_eq!(ids.len(), monster.entries.len(), "{place}: an entry twice");
        }
    }
}

/// Counts of one edition, as the generator has printed them.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Counts {
    blocks: usize,
    whole_blocks: usize,
    attacks: usize,
    uses: usize,
    entries: BTreeMap<EntryClass, usize>,
    spells: usize,
    weapons: usize,
    armor: usize,
    #[serde(rename = "corrections")]
    _corrections: usize,
}

#[test]
fn counts_are_those_that_were_reported() {
    let counts: BTreeMap<Edition, Counts> =
        serde_json::from_str(include_str!("content/counts.json")).expect("counts");
    for edition in EDITIONS {
        let (content, counts) = (content(edition), &counts[&edition]);
        let blocks = || content.monsters.values();
        assert_eq!(blocks().count(), counts.blocks);
        assert_eq!(blocks().map(|it| it.block.attacks.len()).sum::<usize>(), counts.attacks);
        assert_eq!(blocks().map(|it| it.block.uses.len()).sum::<usize>(), counts.uses);
        let mut entries: BTreeMap<EntryClass, usize> = BTreeMap::new();
        for entry in blocks().flat_map(|it| &it.entries) {
            *entries.entry(entry.class).or_default() += 1;
        }
        assert_eq!(entries, counts.entries);
        let left = |it: &Entry| matches!(it.class, EntryClass::Named | EntryClass::AttackPart);
        let whole = blocks().filter(|it| !it.entries.iter().any(left)).count();
        assert_eq!(whole, counts.whole_blocks);
        assert_eq!(content.spells.len(), counts.spells);
        assert_eq!(content.weapons.len(), counts.weapons);
        assert_eq!(content.armor.len(), counts.armor);
    }
}

/// Blocks, entries, and what is left to the game master: attacks in part, actions.
#[test]
fn no_less_is_understood_than_before() {
    let expected = [(Edition::E51, 334, 1_503, 75, 124), (Edition::E52, 330, 1_329, 59, 148)];
    for (edition, blocks, entries, in_part, named) in expected {
        let content = content(edition);
        assert_eq!(content.monsters.len(), blocks);
        let all: Vec<_> = content.monsters.values().flat_map(|it| &it.entries).collect();
        assert_eq!(all.len(), entries, "{edition:?}");
        let of = |class| all.iter().filter(|it| it.class == class).count();
        let got = (of(EntryClass::AttackPart), of(EntryClass::Named));
        assert!(got.0 <= in_part && got.1 <= named, "{edition:?}: {got:?}");
    }
}
