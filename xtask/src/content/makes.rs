//! Entries that consist of others: Multiattack, legendary attacks, spells cast.

use gss_rules::Key;
use gss_rules::content::{Casting, Detail};
use serde_json::Value;

use super::attack::ability;
use super::raw::RawEntry;
use super::text::{Reader, number, re, slug, word};

/// The other entries of a block, by the names that text gives them.
pub(super) struct Names<'a>(pub(super) &'a [RawEntry]);

/// For each place in a set, what may stand there.
type Slots = Vec<Vec<Key>>;

impl Names<'_> {
    /// The entry of a name, in one number or the other.
    fn find(&self, name: &str) -> Option<Key> {
        let name = name.split(" (").next().unwrap_or(name);
        let wanted = slug(name.trim().trim_start_matches("its "));
        let same = |it: &&RawEntry| {
            let id = slug(&it.name);
            id == wanted || id == format!("{wanted}s") || format!("{id}s") == wanted
        };
        self.0.iter().find(same).map(|it| it.id.clone())
    }

    /// `a`, `a or b`, `a, b, or c`.
    fn list(&self, text: &str) -> Option<Vec<Key>> {
        let parts = re!(r",? (?:or|and) |, ").split(text);
        parts.map(|it| self.find(it)).collect()
    }
}

/// The allowed sets of Multiattack. None: not understood.
pub(super) fn multiattack(
    entry: &RawEntry,
    names: &Names<'_>,
) -> Option<(Vec<Vec<Key>>, Vec<Casting>)> {
    if entry.source.get("multiattack_type").is_some() {
        return Some((structured(&entry.source, names)?, Vec::new()));
    }
    let (sentence, replacing) = match entry.lower.split_once(". it can replace ") {
        Some((sentence, replacing)) => (sentence, Some(replacing)),
        None => (entry.lower.as_str(), None),
    };
    let sentence = sentence.trim_end_matches('.').strip_prefix("@ ")?;
    let mut alternatives: Vec<Slots> = Vec::new();
    let mut casts = Vec::new();
    for part in re!(r", or it | or uses ").split(sentence) {
        // Without its verb it was the other alternative's.
        let part =
            if part.starts_with("makes ") { part.to_owned() } else { format!("uses {part}") };
        alternatives.push(slots(&part, names, &mut casts)?);
    }
    let mut sets: Vec<Vec<Key>> = alternatives.iter().flat_map(product).collect();
    if let Some(replacing) = replacing {
        sets = replaced(sets, replacing.trim_end_matches('.'), names, &mut casts)?;
    }
    Some((in_order(sets), casts))
}

fn in_order(sets: Vec<Vec<Key>>) -> Vec<Vec<Key>> {
    let mut ordered: Vec<Vec<Key>> = Vec::new();
    for mut set in sets {
        set.sort();
        if !ordered.contains(&set) {
            ordered.push(set);
        }
    }
    ordered
}

/// One set for each choice of what stands at each place.
fn product(slots: &Slots) -> Vec<Vec<Key>> {
    slots.iter().fold(vec![Vec::new()], |sets, choices| {
        let with = |set: &Vec<Key>, key: &Key| {
            let mut set = set.clone();
            set.push(key.clone());
            set
        };
        sets.iter().flat_map(|set| choices.iter().map(move |key| with(set, key))).collect()
    })
}

/// `makes two claw attacks and uses bite`.
fn slots(text: &str, names: &Names<'_>, casts: &mut Vec<Casting>) -> Option<Slots> {
    let mut reader = Reader::new(text);
    let mut slots = Slots::new();
    while !reader.rest.is_empty() {
        reader.take(re!(r"^(?:, and it |, and |, or | and |, )"));
        let any = re!(
            r"^(?:makes )?(one|two|three|four|five|six) (?:other )?attacks, using (.+?) in any combination"
        );
        let makes = re!(r"^(?:makes )?(one|two|three|four|five|six) ([a-z' -]+?) attacks?");
        let uses = re!(r"^(?:can )?uses? (?:either )?([a-z', -]+?)( twice)?( if available)?$");
        let uses_then = re!(r"^uses ([a-z' -]+?), and (?:makes )");
        let spell = re!(r"^can use spellcasting to cast (.+)$");
        let found = reader.take(any).or_else(|| reader.take(makes));
        if let Some(found) = found {
            let choices = names.list(&found[2])?;
            slots.extend(vec![choices; usize::from(number(&found[1])?)]);
        } else if let Some(found) = reader.take(uses_then) {
            slots.push(names.list(&found[1])?);
        } else if let Some(found) = reader.take(spell) {
            slots.push(vec![cast_key(casting(&found[1])?, casts)?]);
        } else {
            let found = reader.take(uses)?;
            let times = if found.get(2).is_some() { 2 } else { 1 };
            slots.extend(vec![names.list(&found[1])?; times]);
        }
    }
    Some(slots)
}

/// The key of the use that casts it.
fn cast_key(cast: Casting, casts: &mut Vec<Casting>) -> Option<Key> {
    let key = Key::try_from(format!("cast-{}", cast.spell)).ok()?;
    casts.push(cast);
    Some(key)
}

/// `one attack with a use of x`, `the claw attack with a use of y if available`.
fn replaced(
    sets: Vec<Vec<Key>>,
    text: &str,
    names: &Names<'_>,
    casts: &mut Vec<Casting>,
) -> Option<Vec<Vec<Key>>> {
    let mut reader = Reader::new(text);
    let found =
        reader.take(re!(r"^(one|any|two|the ([a-z' -]+?)) attacks? with an? (?:use of )?"))?;
    let (count, only) = match &found[1] {
        "one" => (1, None),
        "two" => (2, None),
        "any" => (sets.iter().map(Vec::len).max()?, None),
        _ => (1, Some(names.find(&found[2])?)),
    };
    let mut options = Vec::new();
    let lettered = reader.rest.strip_prefix("(a) ").and_then(|it| it.split_once(" or (b) "));
    for option in lettered.map_or(vec![reader.rest], |(a, b)| vec![a, b]) {
        let option = option.trim_end_matches(" if available").trim_end_matches(" attack");
        options.push(match option.strip_prefix("spellcasting to cast ") {
            Some(spell) => cast_key(casting(spell)?, casts)?,
            None => names.find(option)?,
        });
    }
    let mut all = sets.clone();
    let all_at_once = &found[1] == "two";
    for set in &sets {
        let places =
            (0..set.len()).filter(|it| only.as_ref().is_none_or(|only| set.get(*it) == Some(only)));
        let places: Vec<usize> = places.collect();
        for option in &options {
            let least = if all_at_once { count } else { 1 };
            for taken in least..=count.min(places.len()) {
                for chosen in choose(&places, taken) {
                    let mut kept: Vec<Key> = Vec::new();
                    let others = set.iter().enumerate().filter(|(it, _)| !chosen.contains(it));
                    kept.extend(others.map(|(_, key)| key.clone()));
                    let added = if all_at_once { 1 } else { taken };
                    kept.extend(vec![option.clone(); added]);
                    all.push(kept);
                }
            }
        }
    }
    Some(all)
}

/// All ways to choose so many of them.
fn choose(places: &[usize], count: usize) -> Vec<Vec<usize>> {
    if count == 0 {
        return vec![Vec::new()];
    }
    let mut all = Vec::new();
    for (index, place) in places.iter().enumerate() {
        for mut rest in choose(places.get(index + 1..).unwrap_or_default(), count - 1) {
            rest.insert(0, *place);
            all.push(rest);
        }
    }
    all
}

/// The source's structure: a list, or lists to choose from.
fn structured(source: &Value, names: &Names<'_>) -> Option<Vec<Vec<Key>>> {
    let set = |list: &[Value]| -> Option<Vec<Key>> {
        let mut keys = Vec::new();
        for it in list {
            let count = match &it["count"] {
                Value::String(text) => text.parse().ok()?,
                count => usize::try_from(count.as_u64()?).ok()?,
            };
            keys.extend(vec![names.find(it["action_name"].as_str()?)?; count]);
        }
        (!keys.is_empty()).then_some(keys)
    };
    if let Some(options) = source["action_options"]["from"]["options"].as_array() {
        let one = |it: &Value| match it["items"].as_array() {
            Some(items) => set(items),
            None => set(std::slice::from_ref(it)),
        };
        return options.iter().map(one).collect::<Option<_>>().map(in_order);
    }
    Some(vec![set(source["actions"].as_array()?)?]).map(in_order)
}

/// Attacks made, uses used, spells cast, with movement or without. None: not understood.
pub(super) fn makes(entry: &RawEntry, names: &Names<'_>) -> Option<(Detail, Option<i32>)> {
    let mut reader = Reader::new(&entry.lower);
    let mut detail = Detail::default();
    let range = moves(&mut reader, &mut detail);
    if !reader.is_done() && detail == Detail::default() {
        simple(&mut reader, &mut detail);
    }
    let moved = detail != Detail::default();
    if !reader.is_done() {
        reader.take(if moved { re!(r"^, and it ") } else { re!(r"^@ ") })?;
        casts(&mut reader, &mut detail)
            .or_else(|| others(&mut reader, &mut detail, names, entry))?;
    }
    let again = re!(r"^\.? ?@ can't take this action again until the start of its next turn");
    detail.once_per_round = reader.take(again).is_some();
    reader.is_done().then_some((detail, range))
}

/// Movement; its result is how far a teleport reaches.
fn moves(reader: &mut Reader<'_>, detail: &mut Detail) -> Option<i32> {
    let walks = re!(r"^@ moves up to (half )?its speed( without provoking opportunity attacks)?");
    let teleports = re!(
        r"^@ (?:can |magically )?teleports?(?:, along with any equipment it is wearing or carrying,)? up to (\d+) feet to an unoccupied space it can see"
    );
    let mut ahead = reader.clone();
    if let Some(found) = ahead.take(walks) {
        if ahead.is_done() || ahead.rest.starts_with(", and it ") {
            detail.moves_percent = Some(if found.get(1).is_some() { 50 } else { 100 });
            detail.unprovoking = found.get(2).is_some();
            *reader = ahead;
        }
        return None;
    }
    let feet = reader.take(teleports)?[1].parse().ok();
    detail.teleports = true;
    feet
}

/// Usual actions, a check, a parry.
fn simple(reader: &mut Reader<'_>, detail: &mut Detail) {
    let takes = re!(r"^@ takes the ((?:dash|disengage|dodge|hide|, | or |, or )+) action");
    let check = re!(r"^@ makes a wisdom \((perception)\) check");
    let old_parry = re!(
        r"^@ adds (\d+) to its ac against one melee attack that would hit it\. to do so, @ must see the attacker and be wielding a melee weapon"
    );
    let new_parry = re!(
        r"^trigger: @ is hit by a melee attack roll while holding a weapon\. response: @ adds (\d+) to its ac against that attack, possibly causing it to miss"
    );
    let leaps = re!(r"^@ jumps up to (\d+) feet by spending 10 feet of movement");
    if let Some(found) = reader.take(leaps) {
        detail.leaps_ft = found[1].parse().ok();
    } else if let Some(found) = reader.take(takes) {
        let actions = found[1].split([',', ' ']).filter(|it| !it.is_empty() && *it != "or");
        detail.takes = actions.filter_map(|it| Key::try_from(it.to_owned()).ok()).collect();
    } else if let Some(found) = reader.take(check) {
        detail.check = word(&found[1]);
    } else if let Some(found) = reader.take(old_parry).or_else(|| reader.take(new_parry)) {
        detail.parry = found[1].parse().ok();
    }
}

fn casts(reader: &mut Reader<'_>, detail: &mut Detail) -> Option<()> {
    let mut ahead = reader.clone();
    let found = ahead.take(re!(
        r"^(?:uses spellcasting to cast|casts) ([a-z', ()0-9-]+?)(?:, (?:requiring no [a-z ]+ and )?using (?:the same spellcasting ability as spellcasting|([a-z]+) as the spellcasting ability(?: \(spell save dc (\d+)\))?))?(?:\.|$)"
    ))?;
    detail.casts = castings(&found[1])?;
    detail.casts_on_itself = found[1].ends_with(" on itself");
    if let Some(name) = found.get(2) {
        detail.cast_ability = Some(ability(name.as_str())?);
    }
    detail.cast_dc = found.get(3).and_then(|it| it.as_str().parse().ok());
    *reader = ahead;
    Some(())
}

/// Other entries of the block.
fn others(
    reader: &mut Reader<'_>,
    detail: &mut Detail,
    names: &Names<'_>,
    entry: &RawEntry,
) -> Option<()> {
    let found = reader.take(re!(
        r"^(?:makes|uses) (?:an? |one )?(?:attack with )?(?:its )?([a-z' -]+?)( attack)?( or (?:uses its )?([a-z' -]+?)( attack)?)?(?:\.|$)"
    ))?;
    let mut sets = vec![vec![names.find(&found[1])?]];
    if let Some(second) = found.get(4) {
        sets.push(vec![names.find(second.as_str())?]);
    }
    if sets.iter().flatten().any(|it| *it == entry.id) {
        return None;
    }
    detail.makes = sets;
    Some(())
}

/// `bless, cure wounds (level 2 version), or shield`.
pub(super) fn castings(text: &str) -> Option<Vec<Casting>> {
    let text = text.trim_start_matches("the ").trim_end_matches(" spell");
    let text = text.trim_end_matches(" in response to the spell's trigger");
    let text = text.trim_end_matches(" on itself");
    re!(r",? or |, ").split(text).map(casting).collect()
}

/// `fireball (level 4 version)`.
pub(super) fn casting(text: &str) -> Option<Casting> {
    let found = re!(r"^([a-z' /-]+?)(?: \(level (\d) version\))?$").captures(text.trim())?;
    let level = found.get(2).and_then(|it| it.as_str().parse().ok());
    Some(Casting { spell: Key::try_from(slug(&found[1])).ok()?, level })
}
