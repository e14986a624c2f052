//! Every case of `rules/cases` is built in, and comes to what it states.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use gss_rules::cases::{self, BUILT_IN, Case, Coverage, Proof};
use gss_rules::combat::Rulebook;
use gss_rules::{Edition, RuleSet, Switch};

fn files(folder: &Path, found: &mut BTreeSet<PathBuf>) {
    for entry in std::fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            files(&path, found);
        } else {
            found.insert(path);
        }
    }
}

#[test]
fn every_file_is_built_in() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("cases");
    let mut found = BTreeSet::new();
    files(&folder, &mut found);
    let built_in: BTreeSet<PathBuf> = BUILT_IN.iter().map(|(path, _)| folder.join(path)).collect();
    assert_eq!(found, built_in);
}

fn all() -> Vec<Case> {
    BUILT_IN
        .iter()
        .flat_map(|(path, text)| {
            cases::parse(text).unwrap_or_else(|failure| panic!("{path}: {failure}"))
        })
        .collect()
}

#[test]
fn every_case_comes_to_what_it_states() {
    let all = all();
    let mut failures = Vec::new();
    let mut names = BTreeSet::new();
    for edition in [Edition::E51, Edition::E52] {
        let book = Rulebook::built_in(edition).expect("the rulebook");
        for case in all.iter().filter(|case| case.edition == edition) {
            assert!(names.insert((edition, case.id.clone())), "{} is there twice", case.id);
            if let Err(failure) = cases::run(case, &book) {
                failures.push(format!("{edition:?} {failure}"));
            }
        }
    }
    let shown = failures.iter().take(40).cloned().collect::<Vec<_>>().join("\n");
    assert!(failures.is_empty(), "{} of {} fail:\n{shown}", failures.len(), all.len());
}

/// Switches that make no difference to any play of either edition's fights, and why.
const ALIKE: [(&str, &str); 5] = [
    ("nonmagical_resistance", "a stat block says itself what its defenses stand against"),
    ("grid", "a fight says itself whether it is on squares"),
    ("monster_death", "monsters die at 0 hit points by both editions"),
    ("incapacitated_concentration", "it ends by both editions, and who cannot act does not speak"),
    ("condition_ends_prone", "who wakes lies on the ground by both editions"),
];

/// Every switch is read: some case of an edition comes to something else where one rule is taken
/// from the other.
#[test]
fn every_switch_makes_a_difference() {
    let all = all();
    let mut wrong = Vec::new();
    for (edition, other) in [(Edition::E51, Edition::E52), (Edition::E52, Edition::E51)] {
        let book = Rulebook::built_in(edition).expect("the rulebook");
        let mine: Vec<&Case> = all.iter().filter(|case| case.edition == edition).collect();
        for switch in Switch::ALL {
            let switches = BTreeMap::from([(switch, other)]);
            let rules = RuleSet { switches, ..RuleSet::of(edition) };
            let differs = |case: &&&Case| cases::run_by(case, rules.clone(), &book).is_err();
            let name = serde_json::to_value(switch).expect("a word");
            let alike = ALIKE.iter().any(|(alike, _)| name == *alike);
            let found = mine.iter().find(differs).map(|case| &case.id);
            if found.is_none() != alike {
                wrong.push(format!("{edition:?} with {name} of the other: {found:?}"));
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

/// What the cases prove may only grow: where it did, the counts in `tests/content/coverage.json`
/// are raised to it.
#[test]
fn no_less_is_played_than_before() {
    let text = include_str!("content/coverage.json");
    let counts: BTreeMap<Edition, Coverage> = serde_json::from_str(text).expect("counts");
    for edition in [Edition::E51, Edition::E52] {
        let book = Rulebook::built_in(edition).expect("the rulebook");
        let now = cases::coverage(edition, &book).expect("cases");
        let before = counts[&edition];
        assert!(
            now.spells.automated >= before.spells.automated
                && now.monster_entries.automated >= before.monster_entries.automated
                && now.blocks.complete >= before.blocks.complete,
            "{edition:?}: {now:?}, before {before:?}"
        );
        assert_eq!(now.monster_entries.total, before.monster_entries.total);
        assert_eq!(now.blocks.total, before.blocks.total);
    }
}

/// Every proof is of something that there is.
#[test]
fn what_is_proved_is_there() {
    for edition in [Edition::E51, Edition::E52] {
        let book = Rulebook::built_in(edition).expect("the rulebook");
        for case in all().iter().filter(|case| case.edition == edition) {
            for proof in case.proves.all() {
                let there = match proof {
                    Proof::Spell(key) => book.content.spells.contains_key(key),
                    Proof::Entry(monster, entry) => {
                        let monster = book.content.monsters.get(monster);
                        monster.is_some_and(|it| it.entries.iter().any(|it| it.id == *entry))
                    }
                    Proof::Rule(_) => true,
                };
                assert!(there, "{}: {proof:?}", case.id);
            }
        }
    }
}

/// A case whose statement is wrong, or whose faces do not fit, fails and says why.
#[test]
fn what_is_not_so_fails() {
    let book = Rulebook::built_in(Edition::E52).expect("the rulebook");
    let why = |faces: &str, then: &str| {
        let text = format!(
            r#"[{{"id": "wrong", "edition": "5.2", "proves": {{"rule": "none"}},
                "who": {{"a": {{"monster": "goblin-warrior", "at": [0, 0]}}, "b": {{"at": [1, 0]}}}},
                "do": [{{"attack": {{"who": "a", "target": "b", "attack": "scimitar"}},
                         "faces": {faces}}}],
                "then": {{"b": {then}}}}}]"#
        );
        let case = cases::parse(&text).expect("a case").remove(0);
        cases::run(&case, &book).expect_err("it fails").to_string()
    };
    assert_eq!(why("[10, 4]", r#"{"hp": 93}"#), "wrong: then: b: hp is 94, not 93");
    assert!(why("[10]", r#"{"hp": 94}"#).contains("a d6 more than stated is thrown"));
    assert!(why("[10, 4, 4]", r#"{"hp": 94}"#).contains("1 faces left over"));
    assert!(why(r#"[10, "8:4"]"#, r#"{"hp": 94}"#).contains("4 of d8 for a d6"));
}
