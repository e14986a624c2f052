//! What happens to a target: clauses of conditions, damage and movement.
//!
//! A clause is read whole or not at all, and what contradicts an earlier clause is not read.

use gss_rules::Condition;
use gss_rules::content::{Detail, OutcomeSpec};
use gss_rules::effect::{DamageDice, Duration, EffectTemplate, Modifier, ModifierKind};
use regex::Captures;

use super::text::{Reader, number, re, word};

/// Seconds for which a success makes immune.
const DAY: u32 = 86_400;

/// Clauses read so far.
#[derive(Clone, Default, Debug)]
pub(super) struct Outcome {
    pub(super) spec: OutcomeSpec,
    pub(super) damage: Vec<DamageDice>,
    pub(super) detail: Detail,
}

impl Outcome {
    /// What was read besides damage, if anything.
    pub(super) fn effect(&self) -> Option<OutcomeSpec> {
        (self.spec != OutcomeSpec::default()).then(|| self.spec.clone())
    }

    /// Reads clauses as long as there are any. True: there was one.
    pub(super) fn clauses(&mut self, reader: &mut Reader<'_>) -> bool {
        let mut any = false;
        loop {
            let mut ahead = reader.clone();
            if any && ahead.take(re!(r"^(?:, and |, | and |\. )")).is_none() {
                return any;
            }
            if !self.clause(&mut ahead) {
                return any;
            }
            *reader = ahead;
            any = true;
        }
    }

    /// Reads one clause.
    pub(super) fn clause(&mut self, reader: &mut Reader<'_>) -> bool {
        let readers = [
            Self::grapple_extras,
            Self::conditions,
            Self::damages,
            Self::movement,
            Self::hindrance,
            Self::repeated_save,
            Self::afterwards,
        ];
        readers.iter().any(|read| {
            let (mut next, mut ahead) = (self.clone(), reader.clone());
            let good = read(&mut next, &mut ahead);
            if good {
                *self = next;
                *reader = ahead;
            }
            good
        })
    }

    fn conditions(&mut self, reader: &mut Reader<'_>) -> bool {
        let new = re!(
            r"^(?:(?:the target|it) )?has the ([a-z]+)(?:, ([a-z]+),)?(?: and ([a-z]+))? conditions?"
        );
        let old = re!(
            r"^(?:(?:the target|it|the creature) (?:is|becomes) |be |become )(?:magically |knocked )?([a-z]+)(?: and ([a-z]+)\b)?"
        );
        let found = reader.take(new).or_else(|| reader.take(old));
        let Some(found) = found.or_else(|| reader.take(re!(r"^knocked (prone)"))) else {
            return false;
        };
        let names: Vec<&str> = found.iter().skip(1).flatten().map(|it| it.as_str()).collect();
        let Some(conditions) = names.into_iter().map(word).collect::<Option<Vec<Condition>>>()
        else {
            return false;
        };
        if conditions.contains(&Condition::Grappled) {
            return conditions.len() == 1 && self.grapple(reader);
        }
        let lasts = reader.duration();
        self.add(conditions, lasts)
    }

    fn add(&mut self, conditions: Vec<Condition>, lasts: Option<Duration>) -> bool {
        let first = self.spec.conditions.is_empty();
        if !first && self.spec.duration != lasts {
            return false;
        }
        self.spec.duration = lasts;
        self.spec.conditions.extend(conditions);
        true
    }

    fn grapple(&mut self, reader: &mut Reader<'_>) -> bool {
        let Some(found) = reader.take(re!(r"^ \(escape dc (\d+)\)")) else { return false };
        if !self.spec.conditions.is_empty() {
            return false;
        }
        self.detail.escape_dc = found[1].parse().ok();
        self.spec.conditions.push(Condition::Grappled);
        if let Some(found) = reader.take(re!(r"^ from one of ([a-z]+) [a-z]+")) {
            self.detail.grapples = number(&found[1]);
        } else if reader
            .take(re!(r"^ from (?:both|all [a-z]+)(?: of @'s)?(?: [a-z]+){1,2}"))
            .is_some()
        {
            self.detail.grapples = Some(1);
        }
        true
    }

    /// What holds while the grapple lasts.
    fn grapple_extras(&mut self, reader: &mut Reader<'_>) -> bool {
        if self.detail.escape_dc.is_none() {
            return false;
        }
        if let Some(found) = reader
            .take(re!(r"^@ has ([a-z]+) [a-z]+, each of which can grapple (?:only )?one target"))
        {
            self.detail.grapples = number(&found[1]);
            return self.detail.grapples.is_some();
        }
        let found = reader
            .take(re!(r"^(?:it|the target) has the ([a-z]+) condition until the grapple ends"))
            .or_else(|| reader.take(re!(r"^while grappled, the target has the ([a-z]+) condition")))
            .or_else(|| {
                reader.take(re!(
                    r"^until (?:this|the) grapple ends, the (?:target|creature) (?:is|has the) ([a-z]+)(?: condition)?"
                ))
            });
        let only = re!(
            r"^,? and @ can't (?:(?:bite|constrict|grapple|smother)|use its [a-z]+ on) another target"
        );
        if let Some(found) = found {
            let Some(condition) = word(&found[1]) else { return false };
            self.detail.while_grappled.push(condition);
            self.detail.only_on_grappled |= reader.take(only).is_some();
            return true;
        }
        let found = reader.take(re!(
            r"^until (?:this|the) grapple ends, @ can't (?:(?:bite|constrict|grapple|smother)|use its [a-z]+ on) another target"
        ));
        self.detail.only_on_grappled |= found.is_some();
        found.is_some()
    }

    fn damages(&mut self, reader: &mut Reader<'_>) -> bool {
        reader.take(re!(r"^(?:(?:the target|it) )?takes? (?:an extra )?"));
        let damages = reader.damages();
        let good = !damages.is_empty() && self.damage.is_empty();
        self.damage.extend(damages);
        good
    }

    fn movement(&mut self, reader: &mut Reader<'_>) -> bool {
        let pushed = re!(
            r"^(?:(?:the (?:target|creature) is |be )?pushed (?:up to )?(\d+) feet (?:straight )?away from @|@ pushes the target (?:up to )?(\d+) feet straight away from itself)"
        );
        let pulled = re!(
            r"^(?:(?:the target is |be )?pulled (?:up to )?(\d+) feet (?:straight )?toward @|@ pulls the target (?:up to )?(\d+) feet straight toward itself)"
        );
        let feet = |it: Captures<'_>| it.get(1).or_else(|| it.get(2))?.as_str().parse().ok();
        if let Some(found) = reader.take(pushed) {
            self.spec.push_ft = feet(found);
            return self.spec.push_ft.is_some();
        }
        self.spec.pull_ft = reader.take(pulled).and_then(feet);
        self.spec.pull_ft.is_some()
    }

    /// No reactions; a lower Speed or Armor Class.
    fn hindrance(&mut self, reader: &mut Reader<'_>) -> bool {
        let modifier = |kind, value| Modifier { value, ..Modifier::of(kind) };
        let no_reaction = re!(r"^(?:the target |it )?can't take reactions");
        let slower = re!(r"^(?:the target's|its) speed decreases by (\d+) feet");
        let still = re!(r"^(?:the target's|its) speed is 0");
        let exposed = re!(r"^(?:the target )?takes a -(\d+) penalty to ac");
        let (modifier, name) = if reader.take(no_reaction).is_some() {
            (modifier(ModifierKind::CannotReact, None), "No reactions")
        } else if reader.take(still).is_some() {
            (Modifier { set: true, ..modifier(ModifierKind::Speed, Some(0)) }, "Speed 0")
        } else if let Some(found) = reader.take(exposed) {
            let Ok(penalty) = found[1].parse::<i32>() else { return false };
            (modifier(ModifierKind::Ac, Some(-penalty)), "Lower Armor Class")
        } else {
            let Some(found) = reader.take(slower) else { return false };
            let Ok(feet) = found[1].parse::<i32>() else { return false };
            (modifier(ModifierKind::Speed, Some(-feet)), "Slowed")
        };
        let Some(duration) = reader.duration() else { return false };
        let effect =
            EffectTemplate { modifiers: vec![modifier], ..EffectTemplate::named(name, duration) };
        self.spec.effect.replace(effect.into()).is_none()
    }

    fn repeated_save(&mut self, reader: &mut Reader<'_>) -> bool {
        let repeats = re!(
            r"^(?:(?:the target|it|a creature|a target|the creature) )?(?:can )?repeats? the sav(?:e|ing throw) at the end of each of its turns, ending the effect on itself on a success"
        );
        let turned = re!(
            r"^at the end of each of its turns, the target repeats the save, ending the effect on itself on a success"
        );
        if reader.take(repeats).or_else(|| reader.take(turned)).is_some() {
            let good = !self.spec.conditions.is_empty() && !self.spec.save_ends;
            self.spec.save_ends = true;
            return good;
        }
        let found = reader.take(re!(r"^after (\d+) minutes?, it succeeds automatically"));
        let seconds = found.and_then(|it| it[1].parse::<u32>().ok()).map(|it| it * 60);
        let good = seconds.is_some() && self.spec.save_ends && self.spec.duration.is_none();
        self.spec.duration = seconds.map(|seconds| Duration::Seconds { seconds });
        good
    }

    /// Immunity after a success; how soon again.
    fn afterwards(&mut self, reader: &mut Reader<'_>) -> bool {
        let immune = re!(
            r"^if (?:a|the) (?:creature|target)'s saving throw is successful(?: or the effect ends for (?:it|the target))?, the (?:creature|target) is immune to @'s [a-z ]+ for (?:the next )?24 hours"
        );
        if reader.take(immune).is_some() {
            self.detail.immune_seconds = Some(DAY);
            return true;
        }
        let flight = re!(r"^@ can then fly up to half its flying speed");
        if reader.take(flight).is_some() {
            self.detail.moves_percent = Some(50);
            self.detail.flies = true;
            return true;
        }
        false
    }

    /// `the target is immune to this dragon's fear for 24 hours`.
    pub(super) fn success(&mut self, reader: &mut Reader<'_>) -> bool {
        let immune = re!(r"^the target is immune to this [a-z' -]+ for (?:the next )?24 hours");
        let found = reader.take(immune).is_some();
        if found {
            self.detail.immune_seconds = Some(DAY);
        }
        found
    }
}
