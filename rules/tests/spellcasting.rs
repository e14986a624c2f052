//! Slots, DCs and cantrips against the tables of the SRDs.

use gss_rules::Edition;
use gss_rules::spellcasting::{
    Progression, Slots, attack_bonus, cantrip_dice, multiclass_slots, proficiency_bonus, save_dc,
};

/// As a table prints them: `4 3 3 1`.
fn table(slots: Slots) -> String {
    let counts = slots.iter().filter(|count| **count > 0).map(u8::to_string);
    counts.collect::<Vec<_>>().join(" ")
}

#[test]
fn full_casters_have_these_slots() {
    let rows = [
        "2",
        "3",
        "4 2",
        "4 3",
        "4 3 2",
        "4 3 3",
        "4 3 3 1",
        "4 3 3 2",
        "4 3 3 3 1",
        "4 3 3 3 2",
        "4 3 3 3 2 1",
        "4 3 3 3 2 1",
        "4 3 3 3 2 1 1",
        "4 3 3 3 2 1 1",
        "4 3 3 3 2 1 1 1",
        "4 3 3 3 2 1 1 1",
        "4 3 3 3 2 1 1 1 1",
        "4 3 3 3 3 1 1 1 1",
        "4 3 3 3 3 2 1 1 1",
        "4 3 3 3 3 2 2 1 1",
    ];
    for (level, row) in (1..).zip(rows) {
        assert_eq!(table(Progression::Full.slots(level, Edition::E51)), row, "{level}");
        assert_eq!(table(Progression::Full.slots(level, Edition::E52)), row, "{level}");
    }
    assert_eq!(Progression::Full.slots(0, Edition::E52), [0; 9]);
    assert_eq!(table(Progression::Full.slots(255, Edition::E52)), rows[19]);
}

#[test]
fn half_and_third_casters_lag_behind() {
    let half = |level, rule| table(Progression::Half.slots(level, rule));
    assert_eq!((half(1, Edition::E51), half(1, Edition::E52)), (String::new(), "2".to_owned()));
    for rule in [Edition::E51, Edition::E52] {
        let rows =
            [(2, "2"), (3, "3"), (5, "4 2"), (9, "4 3 2"), (13, "4 3 3 1"), (17, "4 3 3 3 1")];
        for (level, row) in rows {
            assert_eq!(half(level, rule), row, "{level}");
        }
        let third = |level| table(Progression::Third.slots(level, rule));
        let rows = [(2, ""), (3, "2"), (4, "3"), (7, "4 2"), (13, "4 3 2"), (19, "4 3 3 1")];
        for (level, row) in rows {
            assert_eq!(third(level), row, "{level}");
        }
    }
}

#[test]
fn pact_magic_has_slots_of_one_level() {
    let slots = |level| Progression::Pact.slots(level, Edition::E52);
    assert_eq!(slots(1), [1, 0, 0, 0, 0, 0, 0, 0, 0]);
    assert_eq!(slots(2), [2, 0, 0, 0, 0, 0, 0, 0, 0]);
    assert_eq!(slots(3), [0, 2, 0, 0, 0, 0, 0, 0, 0]);
    assert_eq!(slots(10), [0, 0, 0, 0, 2, 0, 0, 0, 0]);
    assert_eq!(slots(11), [0, 0, 0, 0, 3, 0, 0, 0, 0]);
    assert_eq!(slots(17), [0, 0, 0, 0, 4, 0, 0, 0, 0]);
}

#[test]
fn levels_of_several_classes_add_up() {
    let classes = [(Progression::Full, 3), (Progression::Half, 3), (Progression::Third, 5)];
    assert_eq!(table(multiclass_slots(&classes, Edition::E51)), "4 3 2");
    assert_eq!(table(multiclass_slots(&classes, Edition::E52)), "4 3 3");
    let pact = [(Progression::Full, 1), (Progression::Pact, 9)];
    assert_eq!(table(multiclass_slots(&pact, Edition::E52)), "2");
}

#[test]
fn bonuses_grow_with_level() {
    let bonuses: Vec<i32> = [1, 4, 5, 8, 9, 12, 13, 16, 17, 20].map(proficiency_bonus).to_vec();
    assert_eq!(bonuses, [2, 2, 3, 3, 4, 4, 5, 5, 6, 6]);
    assert_eq!((save_dc(4, 3), attack_bonus(-1, 2)), (15, 1));
    assert_eq!([1, 4, 5, 10, 11, 16, 17, 20].map(cantrip_dice), [1, 1, 2, 2, 3, 3, 4, 4]);
}
