//! Special actions from their printed text: an area or targets, a save, what it brings.

use gss_rules::content::{
    Area, Cost, Detail, EntryClass, Requirement, Section, Shape, SpecialAction, Who,
};
use gss_rules::effect::SaveSpec;
use gss_rules::{Condition, CreatureType};
use regex::Captures;

use super::attack::{ability, merge, saving_throw};
use super::outcome::Outcome;
use super::raw::RawEntry;
use super::text::{Reader, formula, re, word};

/// The use with its name and cost only.
pub(super) fn named(entry: &RawEntry) -> SpecialAction {
    SpecialAction {
        use_id: entry.id.clone(),
        name: entry.name.clone(),
        cost: match entry.section {
            Section::Action => Cost::Action,
            Section::BonusAction => Cost::BonusAction,
            Section::Reaction => Cost::Reaction,
            Section::Legendary => Cost::Legendary,
            Section::Trait => Cost::Free,
        },
        legendary_cost: entry.legendary_cost,
        recharge: entry.recharge,
        per_day: entry.per_day,
        resource: None,
        range_ft: None,
        area: None,
        targets: None,
        damage: Vec::new(),
        healing: None,
        save: None,
        fail: None,
        success: None,
        always: None,
    }
}

/// Reads a use. None: not all of it is understood.
pub(super) fn special(entry: &RawEntry) -> Option<(SpecialAction, Detail, EntryClass)> {
    let mut action = named(entry);
    let mut detail = Detail::default();
    let mut reader = Reader::new(&entry.lower);
    let good = if entry.lower.contains("failure: ") {
        with_headings(&mut reader, &mut action, &mut detail)
    } else {
        in_sentences(&mut reader, &mut action, &mut detail)
            || healing(&mut Reader::new(&entry.lower), &mut action)
    };
    let numbers = good && entry.dc.is_none_or(|dc| action.save.is_some_and(|it| it.dc == dc));
    numbers.then_some((action, detail, EntryClass::Use))
}

/// SRD 5.2.1: `Dexterity Saving Throw: DC 21, … Failure: … Success: …`
fn with_headings(reader: &mut Reader<'_>, action: &mut SpecialAction, detail: &mut Detail) -> bool {
    reader.take(re!(r"^@ explodes when it dies\. "));
    let Some(found) = reader.take(re!(r"^([a-z]+) saving throw: dc (\d+), ")) else { return false };
    let (Some(ability), Ok(dc)) = (ability(&found[1]), found[2].parse()) else { return false };
    if !new_targets(reader, action, detail) || reader.take(re!(r"^\. failure: ")).is_none() {
        return false;
    }
    let mut fail = Outcome::default();
    if !fail.clauses(reader) {
        return false;
    }
    let half = reader.take(re!(r"^\. success: half damage(?: only)?")).is_some();
    if !half && reader.take(re!(r"^\. success: ")).is_some() && !fail.success(reader) {
        return false;
    }
    let again = re!(
        r"^\. failure or success: @ can't take this action again until the start of its next turn"
    );
    let or_not = re!(r"^\. (?:failure or success: )?being underwater doesn't grant");
    detail.once_per_round = reader.take(again).is_some();
    action.save = Some(SaveSpec { ability, dc, half });
    action.fail = fail.effect();
    action.damage = fail.damage;
    merge(detail, &fail.detail);
    !or_not.is_match(reader.rest) && reader.is_done()
}

fn new_targets(reader: &mut Reader<'_>, action: &mut SpecialAction, detail: &mut Detail) -> bool {
    let Some(found) = reader.take(re!(
        r"^(each|one) (enemy|creature|humanoid|[a-z]+ or smaller creature)( that isn't an undead)?"
    )) else {
        return false;
    };
    let mut it = Requirement::default();
    match &found[2] {
        "enemy" => detail.who = Some(Who::Enemies),
        "creature" => {}
        "humanoid" => it.types.extend(word::<CreatureType>("humanoid")),
        size => match size.split(' ').next().and_then(word) {
            Some(size) => it.max_size = Some(size),
            None => return false,
        },
    }
    if found.get(3).is_some() {
        it.not_types.extend(word::<CreatureType>("undead"));
    }
    let one = &found[1] == "one";
    if one {
        action.targets = Some(1);
    }
    let good = if reader.take(re!(r"^ grappled by @")).is_some() {
        it.grappled_by_it = true;
        true
    } else if reader.take(re!(r"^ in @'s space")).is_some() {
        it.in_space = true;
        true
    } else if one {
        one_within(reader, action, &mut it)
    } else {
        area(reader, action)
    };
    if reader.take(re!(r"^ that has the prone condition")).is_some() {
        it.condition = Some(Condition::Prone);
    }
    it.sees |= reader.take(re!(r"^ that can see @")).is_some();
    detail.targets = Some(it).filter(|it| *it != Requirement::default());
    good
}

fn one_within(reader: &mut Reader<'_>, action: &mut SpecialAction, it: &mut Requirement) -> bool {
    it.seen = reader.take(re!(r"^ @ can see")).is_some();
    let Some(found) = reader.take(re!(r"^ within (\d+) feet(?: of itself)?")) else { return false };
    action.range_ft = found[1].parse().ok();
    true
}

fn area(reader: &mut Reader<'_>, action: &mut SpecialAction) -> bool {
    let feet = |found: &Captures<'_>, group: usize| -> Option<i32> {
        found.get(group).and_then(|it| it.as_str().parse().ok())
    };
    let simple = re!(r"^ in an? (\d+)-foot (cone|emanation originating from (?:@|itself))");
    let line = re!(r"^ in an? (\d+)-foot-long, (\d+)-foot-wide line");
    let round = re!(
        r"^ in an? (\d+)-foot-radius(?:, (\d+)-foot-high)? (sphere|cylinder) (?:centered on|originating from) a point (?:@ can see )?within (\d+) feet"
    );
    let (found, shape) = if let Some(found) = reader.take(simple) {
        let shape = if &found[2] == "cone" { Shape::Cone } else { Shape::Emanation };
        (found, shape)
    } else if let Some(found) = reader.take(line) {
        (found, Shape::Line)
    } else {
        let Some(found) = reader.take(round) else { return false };
        action.range_ft = feet(&found, 4);
        let shape = if &found[3] == "sphere" { Shape::Sphere } else { Shape::Cylinder };
        (found, shape)
    };
    let Some(size_ft) = feet(&found, 1) else { return false };
    let mut area = Area::new(shape, size_ft);
    match shape {
        Shape::Line => area.width_ft = feet(&found, 2),
        Shape::Cylinder => area.height_ft = feet(&found, 2),
        Shape::Sphere | Shape::Cube | Shape::Cone | Shape::Emanation => {}
    }
    action.area = Some(area);
    true
}

/// SRD 5.1: whom it is about, then the save in a sentence.
fn in_sentences(reader: &mut Reader<'_>, action: &mut SpecialAction, detail: &mut Detail) -> bool {
    if !old_targets(reader, action, detail) {
        return false;
    }
    let Some((save, fail)) = saving_throw(reader, detail) else { return false };
    action.save = Some(save);
    action.fail = fail.effect();
    action.damage = fail.damage;
    reader.is_done()
}

fn old_targets(reader: &mut Reader<'_>, action: &mut SpecialAction, detail: &mut Detail) -> bool {
    if breath(reader, action) {
        return true;
    }
    reader.take(re!(r"^@ beats its wings\. "));
    reader.take(re!(r"^when @ dies, it (?:explodes|bursts)[a-z ,]*\. "));
    let chosen = re!(
        r"^each creature of @'s choice (?:that is )?within (\d+) feet of (?:@|it) and aware of it "
    );
    let around = re!(r"^each (living |non-undead )?creature within (\d+) feet of (?:@|it) ");
    let one = re!(r"^one creature(?: of @'s choice)? (@ can see )?within (\d+) feet of it ");
    let sighted = re!(
        r"^@ targets one creature it can see within (\d+) feet of it\. (if the target can see @, )?"
    );
    let mut it = Requirement::default();
    let emanation = |feet: &str| feet.parse().ok().map(|feet| Area::new(Shape::Emanation, feet));
    if let Some(found) = reader.take(chosen) {
        detail.who = Some(Who::Chosen);
        action.area = emanation(&found[1]);
    } else if let Some(found) = reader.take(around) {
        match found.get(1).map(|it| it.as_str()) {
            None => {}
            Some("non-undead ") => it.not_types.extend(word::<CreatureType>("undead")),
            Some(_) => {
                it.not_types.extend(word::<CreatureType>("undead"));
                it.not_types.extend(word::<CreatureType>("construct"));
            }
        }
        action.area = emanation(&found[2]);
    } else if let Some(found) = reader.take(one) {
        it.seen = found.get(1).is_some();
        action.targets = Some(1);
        action.range_ft = found[2].parse().ok();
    } else if let Some(found) = reader.take(sighted) {
        it.seen = true;
        it.sees = found.get(2).is_some();
        action.targets = Some(1);
        action.range_ft = found[1].parse().ok();
    } else {
        return false;
    }
    detail.targets = Some(it).filter(|it| *it != Requirement::default());
    true
}

/// A breath in a cone or line.
fn breath(reader: &mut Reader<'_>, action: &mut SpecialAction) -> bool {
    let after = re!(
        r"^(?:@|the [a-z]+ head) exhales? (?:[a-z ,'-]+? )?in an? (\d+)-foot (?:cone|line that is (\d+) feet wide)\. each creature in that (?:area|line|cone) "
    );
    let cone = re!(r"^@ exhales an? (\d+)-foot cone of [a-z ]+\. each creature in that area ");
    let line = re!(
        r"^@ exhales a line of [a-z ]+ that is (\d+) feet long and (\d+) feet wide\. each creature in that line "
    );
    let found = reader.take(after).or_else(|| reader.take(cone)).or_else(|| reader.take(line));
    let Some(found) = found else { return false };
    let Ok(size) = found[1].parse() else { return false };
    let width: Option<i32> = found.get(2).and_then(|it| it.as_str().parse().ok());
    let shape = if width.is_some() { Shape::Line } else { Shape::Cone };
    action.area = Some(Area { width_ft: width, ..Area::new(shape, size) });
    true
}

/// `The unicorn magically regains 11 (2d8 + 2) hit points.`
fn healing(reader: &mut Reader<'_>, action: &mut SpecialAction) -> bool {
    let heals = re!(r"^@ (?:magically )?regains \d+ \((\d+d\d+(?: \+ \d+)?)\) hit points");
    let Some(found) = reader.take(heals) else { return false };
    action.healing = formula(&found[1]);
    action.targets = Some(0);
    reader.is_done()
}
