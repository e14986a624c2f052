//! A stat block between its source and its record.

use gss_rules::Key;
use gss_rules::content::{ArmorClassWhen, Section, StatBlock};
use gss_rules::effect::DamageDice;
use serde_json::Value;

use super::text;

/// A block as its source has it: numbers read, entries still text.
#[derive(Clone, Debug)]
pub(super) struct RawMonster {
    pub(super) id: Key,
    pub(super) name: String,
    pub(super) challenge: String,
    pub(super) xp: u32,
    pub(super) forms: Vec<Key>,
    pub(super) ac_when: Vec<ArmorClassWhen>,
    /// Without attacks, uses, spells and traits.
    pub(super) block: StatBlock,
    pub(super) entries: Vec<RawEntry>,
}

/// An entry as its source has it.
#[derive(Clone, Debug)]
pub(super) struct RawEntry {
    pub(super) section: Section,
    /// Key in the block.
    pub(super) id: Key,
    /// Without what stands in parentheses.
    pub(super) name: String,
    /// Uniform, in small letters; `@` stands for the creature itself.
    pub(super) lower: String,
    pub(super) recharge: Option<u8>,
    pub(super) per_day: Option<u8>,
    pub(super) rest: bool,
    pub(super) legendary_cost: Option<u8>,
    pub(super) forms: Vec<Key>,
    /// From the source's structure.
    pub(super) bonus: Option<i32>,
    /// From the source's structure.
    pub(super) damage: Vec<DamageDice>,
    /// From the source's structure.
    pub(super) dc: Option<i32>,
    /// The source's record.
    pub(super) source: Value,
}

impl RawEntry {
    /// Reads what the name says in parentheses: cost, recharge, uses, forms.
    pub(super) fn new(section: Section, name: &str, text: &str, source: &Value) -> Option<Self> {
        let printed = text::uniform(name);
        let (name, notes) = match printed.split_once(" (") {
            Some((name, notes)) => (name.to_owned(), notes.trim_end_matches(')').to_lowercase()),
            None => (printed, String::new()),
        };
        let cost = text::re!(r"costs (\d) actions").captures(&notes).map(|it| it[1].to_owned());
        let forms = text::re!(r"^([a-z]+)(?: or ([a-z]+))? form only").captures(&notes);
        let forms = forms.iter().flat_map(|it| [it.get(1), it.get(2)]).flatten();
        Some(Self {
            section,
            id: Key::try_from(text::slug(&name)).ok()?,
            lower: text::uniform(text).to_lowercase(),
            recharge: None,
            per_day: None,
            rest: false,
            legendary_cost: cost.and_then(|it| it.parse().ok()),
            forms: forms.filter_map(|it| Key::try_from(it.as_str().to_owned()).ok()).collect(),
            bonus: None,
            damage: Vec::new(),
            dc: None,
            source: source.clone(),
            name,
        })
    }
}

/// Gives entries of one name keys of their own: the later one gets its section's name.
pub(super) fn unique(entries: &mut [RawEntry]) {
    for index in 1..entries.len() {
        let (before, rest) = entries.split_at_mut(index);
        let Some(entry) = rest.first_mut() else { return };
        if before.iter().any(|it| it.id == entry.id) {
            let section = serde_json::to_value(entry.section).ok();
            let section = section.as_ref().and_then(Value::as_str).unwrap_or("other");
            let id = format!("{}-{}", entry.id, text::slug(section));
            if let Ok(id) = Key::try_from(id) {
                entry.id = id;
            }
        }
    }
}

/// Puts `@` where the entries' text names the creature itself.
pub(super) fn name_itself(name: &str, entries: &mut [RawEntry]) {
    let name = text::uniform(name).to_lowercase();
    let name = name.split([',', '(', '/']).next().unwrap_or_default().trim().to_owned();
    let words: Vec<&str> = name.split(' ').collect();
    let mut names: Vec<String> = (0..words.len()).map(|from| words[from..].join(" ")).collect();
    let named = |it: &str, entries: &[RawEntry]| {
        entries.iter().any(|entry| entry.lower.contains(&format!("the {it}")))
    };
    if !names.iter().any(|it| named(it, entries)) {
        names.extend(words.iter().map(|it| (*it).to_owned()));
    }
    if !names.iter().any(|it| named(it, entries)) {
        let acts = text::re!(r"^the ([a-z-]+) (?:makes|uses|exhales|magically|casts|moves)\b");
        let actors = entries.iter().filter_map(|it| acts.captures(&it.lower));
        names.extend(actors.map(|it| it[1].to_owned()).next());
    }
    let names: Vec<String> = names.iter().map(|it| regex::escape(it)).collect();
    let Ok(pattern) = regex::Regex::new(&format!(r"\b(?:the|an?) (?:{})\b", names.join("|")))
    else {
        return;
    };
    for entry in entries {
        entry.lower = pattern.replace_all(&entry.lower, "@").into_owned();
    }
}
