//! Small rules, each against all it can be asked.

use gss_rules::Size;
use gss_rules::grapple::{contest_won, grapple_dc, may_grapple};
use gss_rules::recharge::{RECHARGE_SIDES, recharges};
use gss_rules::two_weapon::second_hand_modifier;

#[test]
fn one_size_larger_can_be_grappled() {
    let sizes = [Size::Tiny, Size::Small, Size::Medium, Size::Large, Size::Huge, Size::Gargantuan];
    for (own, attacker) in sizes.into_iter().enumerate() {
        for (other, target) in sizes.into_iter().enumerate() {
            assert_eq!(may_grapple(attacker, target), other <= own + 1, "{attacker:?} {target:?}");
        }
    }
    assert_eq!(grapple_dc(-1, 3), 10);
    assert_eq!([contest_won(12, 11), contest_won(12, 12)], [true, false]);
}

#[test]
fn dice_bring_actions_back() {
    let faces = |least| (1..=RECHARGE_SIDES).filter(|face| recharges(least, *face)).count();
    assert_eq!([6, 5, 4, 2].map(faces), [1, 2, 3, 5]);
}

#[test]
fn only_a_penalty_counts_for_the_second_hand() {
    assert_eq!([-2, 0, 3].map(second_hand_modifier), [-2, 0, 0]);
}
