//! Random spells, what they offer, and effects.

use super::*;

impl Play {
    /// Every spell there is.
    fn any_spellcasting(&self) -> Spellcasting {
        let spells: Vec<&Key> = self.book.content.spells.keys().collect();
        let slots: BTreeMap<String, u8> = (1..=9).map(|level| (level.to_string(), 9)).collect();
        serde_json::from_value(json!({
            "ability": "wis", "dc": 14, "attack_bonus": 6, "slots": slots, "spells": spells
        }))
        .expect("spellcasting")
    }

    /// A spell of its block, or any spell there is.
    pub(super) fn any_spell(
        &mut self,
        who: CombatantId,
        target: CombatantId,
        toward: Square,
    ) -> Command {
        let block = self.combat.combatant(who).and_then(|who| who.block.spellcasting.clone());
        let known = block.map(|block| block.spells).unwrap_or_default();
        let all: Vec<Key> = self.book.content.spells.keys().cloned().collect();
        let wild = known.is_empty() || self.chance.one_in(10);
        let from = if wild { &all } else { &known };
        let spell = self.chance.of(from).cloned().expect("a spell");
        let level = self.book.content.spells[&spell].level;
        let above = u8::try_from(self.chance.below(3)).expect("small");
        let slot_level = if self.chance.one_in(3) { 0 } else { level + above };
        let targets = match self.chance.below(4) {
            0 => Vec::new(),
            1 => vec![target; 3],
            _ => vec![target],
        };
        let choices = self.any_choices(toward);
        let (at, direction) = (Some(toward), Some(toward));
        let ritual = self.chance.one_in(8);
        let (item, spell) = self.any_item(who).unwrap_or((None, spell));
        let (ritual, spell) = self.begun(who).unwrap_or((ritual, spell));
        let slot_level = if item.is_some() || ritual { 0 } else { slot_level };
        Command::Cast { who, spell, slot_level, targets, at, direction, choices, ritual, item }
    }

    /// Sometimes something that it casts from, and what.
    fn any_item(&mut self, who: CombatantId) -> Option<(Option<Key>, Key)> {
        let resources = self.combat.combatant(who)?.block.resources.keys();
        let items: Vec<Key> = resources.cloned().collect();
        let item = self.chance.of(&items).cloned().filter(|_| self.chance.one_in(6))?;
        let casts = self.book.content.items.get(&item)?.casts.clone();
        let spell = self.chance.of(&casts)?.spell.clone();
        Some((Some(item), spell))
    }

    /// The casting that it is at, if it is at one: whether it is a ritual, and of what.
    fn begun(&self, who: CombatantId) -> Option<(bool, Key)> {
        let on = self.combat.combatant(who)?.concentration?;
        let effect = self.combat.effects.get(&on)?;
        let ritual = match effect.template.key.as_ref()?.as_str() {
            "ritual" => true,
            "longer-casting" => false,
            _ => return None,
        };
        Key::parse(&effect.template.name).ok().map(|spell| (ritual, spell))
    }

    /// Makes a caster of a block: with every spell, rituals, and things to cast from.
    pub(super) fn enchant(&self, block: &mut StatBlock) {
        block.spellcasting = Some(self.any_spellcasting());
        block.traits.push(Key::parse("ritual-casting").expect("a key"));
        for item in ["staff-of-fire", "wand-of-binding"] {
            let pool = Pool { current: 9, max: 9, recover: None };
            block.resources.insert(Key::parse(item).expect("a key"), pool);
        }
    }

    pub(super) fn any_choices(&mut self, toward: Square) -> BTreeMap<Key, Choice> {
        let words = ["fire", "cold", "str", "wis", "blinded", "poisoned", "command", "speed"];
        let mut choices = BTreeMap::new();
        for of in ["damage_type", "ability", "condition", "word", "end", "effect"] {
            let word = self.chance.of(&words).expect("a word");
            let of = Key::parse(of).expect("a key");
            choices.insert(of, Choice::Word((*word).to_owned()));
        }
        let named: [(&str, &[&str]); 5] = [
            ("way", &["north", "southeast", "west"]),
            ("form", &["aquatic", "appearance", "weapons", "enlarge", "reduce", "cage", "box"]),
            ("familiarity", &["circle", "familiar", "casual"]),
            ("creatures", &["wolf", "black-bear", "dryad"]),
            ("word", &["approach", "flee", "grovel", "halt", "command"]),
        ];
        for (of, words) in named {
            let word = self.chance.of(words).expect("a word");
            choices.insert(Key::parse(of).expect("a key"), Choice::Word((*word).to_owned()));
        }
        let up = i64::try_from(self.chance.below(4) * 10).expect("small");
        choices.insert(Key::parse("up").expect("a key"), Choice::Number(up));
        for of in ["points", "squares", "destination", "spared", "places"] {
            let of = Key::parse(of).expect("a key");
            choices.insert(of, Choice::Numbers(vec![toward.x, toward.y, toward.x + 1, toward.y]));
        }
        choices
    }

    /// Something that an effect on it lets it do.
    pub(super) fn any_grant(
        &mut self,
        who: CombatantId,
        target: CombatantId,
        toward: Square,
    ) -> Command {
        let effects = self.combat.effects.values();
        let open = effects.flat_map(|effect| {
            let mine = effect.target == who;
            effect.template.grants.iter().filter(move |it| mine || it.anybody)
        });
        let grants: Vec<Key> = open.map(|it| it.id.clone()).collect();
        let id = self.chance.of(&grants).cloned();
        let id = id.unwrap_or_else(|| Key::parse("none").expect("a key"));
        let targets = if self.chance.one_in(2) { vec![target] } else { Vec::new() };
        let choices = self.any_choices(toward);
        let (at, direction) = (Some(toward), Some(toward));
        Command::UseEffect { who, effect: None, id, targets, at, direction, choices }
    }

    pub(super) fn any_effect(&mut self, source: CombatantId, target: CombatantId) -> Command {
        let condition = self.chance.of(&Condition::ALL).copied().expect("a condition");
        let mut conditions = vec![condition];
        if self.chance.one_in(3) && condition != Condition::Exhaustion {
            conditions.push(Condition::Prone);
            conditions.dedup();
        }
        let edge = if self.chance.one_in(2) { "start" } else { "end" };
        let durations = [
            json!({"kind": "rounds", "rounds": 2}),
            json!({"kind": "seconds", "seconds": 60}),
            json!({"kind": "permanent"}),
            json!({"kind": "until", "edge": edge, "whose": "target", "which": "next"}),
            json!({"kind": "until", "edge": edge, "whose": "source", "which": "this"}),
            json!({"kind": "instant"}),
        ];
        let mut effect = json!({
            "name": "any", "duration": self.chance.of(&durations).expect("one"),
            "concentration": self.chance.one_in(2), "conditions": conditions,
            "save_ends": {"ability": "wis", "dc": 12, "edge": edge}
        });
        if condition == Condition::Exhaustion {
            effect["exhaustion"] = json!(self.chance.below(6) + 1);
        }
        if self.chance.one_in(3) {
            effect["damage"] = json!({"dice": [{"dice": "2d6", "type": "fire"}], "edge": edge});
            if self.chance.one_in(2) {
                effect["damage"]["save"] = json!({"ability": "con", "dc": 12, "half": true});
            }
        }
        let effect: EffectTemplate = serde_json::from_value(effect).expect("an effect");
        Command::ApplyEffect {
            effect: Box::new(effect),
            source: Some(source),
            targets: vec![target],
        }
    }
}
