//! The files of cases that are built in. A test holds the list against the folder.

/// Every file of `rules/cases`: its path there, and its text.
pub const BUILT_IN: &[(&str, &str)] = &[
    file("5.1/combat.json", include_str!("../../cases/5.1/combat.json")),
    file("5.1/falls.json", include_str!("../../cases/5.1/falls.json")),
    file("5.1/mounts.json", include_str!("../../cases/5.1/mounts.json")),
    file("5.1/shots.json", include_str!("../../cases/5.1/shots.json")),
    file("5.1/monsters-actions.json", include_str!("../../cases/5.1/monsters-actions.json")),
    file("5.1/monsters-attacks.json", include_str!("../../cases/5.1/monsters-attacks.json")),
    file("5.1/monsters-legendary.json", include_str!("../../cases/5.1/monsters-legendary.json")),
    file("5.1/monsters-named.json", include_str!("../../cases/5.1/monsters-named.json")),
    file("5.1/monsters-sets.json", include_str!("../../cases/5.1/monsters-sets.json")),
    file("5.1/monsters-spells.json", include_str!("../../cases/5.1/monsters-spells.json")),
    file("5.1/monsters-traits.json", include_str!("../../cases/5.1/monsters-traits.json")),
    file("5.1/places.json", include_str!("../../cases/5.1/places.json")),
    file("5.2/places.json", include_str!("../../cases/5.2/places.json")),
    file("5.2/combat.json", include_str!("../../cases/5.2/combat.json")),
    file("5.2/falls.json", include_str!("../../cases/5.2/falls.json")),
    file("5.2/mounts.json", include_str!("../../cases/5.2/mounts.json")),
    file("5.2/shots.json", include_str!("../../cases/5.2/shots.json")),
    file("5.2/monsters-actions.json", include_str!("../../cases/5.2/monsters-actions.json")),
    file("5.2/monsters-attacks.json", include_str!("../../cases/5.2/monsters-attacks.json")),
    file("5.2/monsters-legendary.json", include_str!("../../cases/5.2/monsters-legendary.json")),
    file("5.2/monsters-named.json", include_str!("../../cases/5.2/monsters-named.json")),
    file("5.2/monsters-sets.json", include_str!("../../cases/5.2/monsters-sets.json")),
    file("5.2/monsters-spells.json", include_str!("../../cases/5.2/monsters-spells.json")),
    file("5.1/spells/1-instant.json", include_str!("../../cases/5.1/spells/1-instant.json")),
    file("5.1/spells/2-timed.json", include_str!("../../cases/5.1/spells/2-timed.json")),
    file("5.1/spells/3-triggered.json", include_str!("../../cases/5.1/spells/3-triggered.json")),
    file("5.1/spells/4-areas.json", include_str!("../../cases/5.1/spells/4-areas.json")),
    file("5.1/spells/5-granted.json", include_str!("../../cases/5.1/spells/5-granted.json")),
    file("5.1/spells/6-moved.json", include_str!("../../cases/5.1/spells/6-moved.json")),
    file("5.2/spells/1-instant.json", include_str!("../../cases/5.2/spells/1-instant.json")),
    file("5.2/spells/2-timed.json", include_str!("../../cases/5.2/spells/2-timed.json")),
    file("5.2/monsters-traits.json", include_str!("../../cases/5.2/monsters-traits.json")),
    file("5.2/spells/3-triggered.json", include_str!("../../cases/5.2/spells/3-triggered.json")),
    file("5.2/spells/4-areas.json", include_str!("../../cases/5.2/spells/4-areas.json")),
    file("5.2/spells/5-granted.json", include_str!("../../cases/5.2/spells/5-granted.json")),
    file("5.2/spells/6-moved.json", include_str!("../../cases/5.2/spells/6-moved.json")),
    file("5.1/spells/7-commanded.json", include_str!("../../cases/5.1/spells/7-commanded.json")),
    file("5.1/spells/8-single.json", include_str!("../../cases/5.1/spells/8-single.json")),
    file("5.2/spells/7-commanded.json", include_str!("../../cases/5.2/spells/7-commanded.json")),
    file("5.2/spells/8-single.json", include_str!("../../cases/5.2/spells/8-single.json")),
];

const fn file(path: &'static str, text: &'static str) -> (&'static str, &'static str) {
    (path, text)
}
