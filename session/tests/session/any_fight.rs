//! Anything that may be asked of a fight, by anybody, in any order.

use gss_session::{Verdict, judge, service_time_out};
use gss_shared::error_code::ClientError;
use gss_shared::ids::ActionId;
use proptest::prelude::*;
use proptest::sample::{Index, select};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::fights::{ALL, ARIA, BREN, Fight, GM, LURKER, PLAYERS, combatants};
use crate::support::id;

#[derive(Clone, Debug)]
enum Any {
    Declare(usize, usize, usize, Index),
    Move(Vec<(i32, i32)>),
    End,
    EndOther(usize),
    Answer(bool, usize),
    Roll(usize, usize),
    Order(Vec<usize>),
    Apply(usize, usize, bool),
    RemoveEffect(Index),
    Update(usize, usize),
    Remove(usize),
    Add(usize, bool),
    Rewind(Index),
    Rollback(Index),
    Pause(bool),
    Late(u32),
    Start,
    Stop,
    Say,
}

const KINDS: &[&str] = &[
    "attack",
    "attack",
    "attack",
    "cast",
    "cast",
    "cast",
    "ready",
    "interact",
    "use_object",
    "influence",
    "use_action",
    "dash",
    "disengage",
    "dodge",
    "stand_up",
    "drop_prone",
    "end_concentration",
    "stabilize",
    "grapple",
    "grapple",
    "shove",
    "escape",
    "help",
    "hide",
    "search",
    "study",
];

fn any_step() -> impl Strategy<Value = (u128, Any)> {
    let step = prop_oneof![
        16 => (0..KINDS.len(), 0..5_usize, 0..5_usize, any::<Index>())
            .prop_map(|(kind, who, target, pick)| Any::Declare(kind, who, target, pick)),
        10 => prop::collection::vec((-1..=1, -1..=1), 1..6).prop_map(Any::Move),
        12 => Just(Any::End),
        2 => (0..5_usize).prop_map(Any::EndOther),
        12 => (any::<bool>(), 0..3_usize).prop_map(|(accept, option)| Any::Answer(accept, option)),
        3 => (0..5_usize, 0..25_usize).prop_map(|(who, face)| Any::Roll(who, face)),
        2 => Just((0..5).collect::<Vec<usize>>()).prop_shuffle().prop_map(Any::Order),
        4 => (0..5_usize, 0..5_usize, any::<bool>())
            .prop_map(|(source, target, held)| Any::Apply(source, target, held)),
        2 => any::<Index>().prop_map(Any::RemoveEffect),
        1 => (0..5_usize).prop_map(Any::Remove),
        3 => (0..5_usize, 0..10_usize).prop_map(|(who, what)| Any::Update(who, what)),
        2 => (0..5_usize, any::<bool>()).prop_map(|(who, hidden)| Any::Add(who, hidden)),
        2 => any::<Index>().prop_map(Any::Rewind),
        1 => any::<Index>().prop_map(Any::Rollback),
        2 => any::<bool>().prop_map(Any::Pause),
        4 => (0..40_u32).prop_map(Any::Late),
        2 => Just(Any::Start),
        1 => Just(Any::Stop),
        1 => Just(Any::Say),
    ];
    let by = prop_oneof![8 => Just(GM), 3 => select(&PLAYERS[..])];
    (by, step)
}

fn place(combatant: &Value) -> [i32; 2] {
    let at = |index: usize| combatant["position"][index].as_i64().unwrap_or(0) as i32;
    [at(0), at(1)]
}

/// Data of an action of somebody.
fn declared(who: &Value, kind: &str, target: usize, pick: Index) -> Value {
    let pick_of = |name: &str| {
        let all = who["options"][name].as_array().cloned().unwrap_or_default();
        if all.is_empty() { json!("none") } else { all[pick.index(all.len())].clone() }
    };
    let other = json!(id(ALL[pick.index(5)]));
    let [x, y] = place(who);
    let square = json!([x + pick.index(5) as i32 - 2, y + pick.index(3) as i32 - 1]);
    let alone = [
        "dash",
        "disengage",
        "dodge",
        "stand_up",
        "drop_prone",
        "hide",
        "end_concentration",
        "ready",
        "escape",
    ];
    let placed = ["fireball", "misty-step", "web", "spiritual-weapon"];
    let spell = pick_of("spells");
    let targeted = match kind {
        "cast" => !placed.iter().any(|placed| spell == *placed) && pick.index(4) > 0,
        kind => !alone.contains(&kind),
    };
    let targets = if targeted { vec![json!(id(ALL[target]))] } else { Vec::new() };
    let details = match kind {
        "attack" => json!({"attack_id": pick_of("attacks")}),
        "use_action" => json!({"use_id": pick_of("uses"), "direction": [6, 6]}),
        "cast" => {
            let level = pick.index(4) + usize::from(spell != "sacred-flame");
            let choices = json!({"command": "grovel", "word": "grovel"});
            json!({"spell": spell, "slot_level": level, "at": square, "direction": [6, 6],
                   "choices": choices})
        }
        "ready" => {
            let on = ["moves", "attacks", "enters_reach", "custom"][pick.index(4)];
            let club = json!({"attack_id": pick_of("attacks")});
            let action = json!({"action_type": "attack", "targets": [other], "details": club});
            json!({"trigger": {"on": on, "who": [id(ALL[target])]}, "action": action})
        }
        "interact" => json!({"kind": "give"}),
        "shove" => json!({"effect": if pick.index(2) == 0 { "prone" } else { "push" }}),
        "help" if pick.index(2) == 0 => json!({"kind": "check"}),
        "help" => json!({"kind": "attack", "enemy_id": other}),
        "study" => json!({"skill": "nature"}),
        _ => json!({}),
    };
    json!({
        "character_id": who["character_id"], "action_type": kind, "targets": targets,
        "details": details,
    })
}

impl Fight {
    fn any(&mut self, by: u128, step: &Any) -> Result<Verdict, ClientError> {
        match step {
            Any::Declare(..) | Any::Move(_) | Any::End | Any::EndOther(_) | Any::Answer(..) => {
                self.play(by, step)
            }
            _ => self.direct(by, step),
        }
    }

    fn play(&mut self, by: u128, step: &Any) -> Result<Verdict, ClientError> {
        if let Any::Answer(accept, option) = step {
            return self.answer(by, *accept, *option);
        }
        let (kind, data) = self.played(step);
        self.frame(by, kind, data)
    }

    /// The frame of what is done in a turn.
    fn played(&self, step: &Any) -> (&'static str, Value) {
        let combat = self.combat(GM);
        let active = combat["active_character"].as_str().unwrap_or_default().to_owned();
        match step {
            Any::Declare(kind, who, target, pick) => {
                let who = if pick.index(10) > 0 { active } else { id(ALL[*who]).to_string() };
                let data = declared(&combat["combatants"][&who], KINDS[*kind], *target, *pick);
                ("action_declare", data)
            }
            Any::Move(steps) => {
                let mut at = place(&combat["combatants"][&active]);
                let path: Vec<[i32; 2]> = steps
                    .iter()
                    .map(|(dx, dy)| {
                        at = [at[0] + dx, at[1] + dy];
                        at
                    })
                    .collect();
                let mode = if steps.len() == 3 { "jump" } else { "walk" };
                let data = json!({
                    "character_id": active, "action_type": "move", "targets": [],
                    "details": {"path": path, "mode": mode},
                });
                ("action_declare", data)
            }
            Any::EndOther(who) => ("turn_end", json!({"character_id": id(ALL[*who])})),
            _ => ("turn_end", json!({"character_id": active})),
        }
    }

    /// What the player hears who does it tells it nothing of who is hidden.
    fn try_as_player(&self, step: &Any) {
        if !matches!(step, Any::Declare(..) | Any::Move(_) | Any::End | Any::EndOther(_)) {
            return;
        }
        let (kind, mut data) = self.played(step);
        data["action_id"] = json!(id(70_000));
        let combat = self.combat(GM);
        let who = &combat["combatants"][data["character_id"].as_str().unwrap_or_default()];
        for by in [ARIA, BREN] {
            if who["owner_id"] == json!(id(by)) {
                self.check_refusal(by, &json!({"type": kind, "data": data}), place(who));
            }
        }
    }

    fn answer(&mut self, by: u128, accept: bool, option: usize) -> Result<Verdict, ClientError> {
        let combat = self.combat(GM);
        let prompt = combat["prompts"].as_object().and_then(|prompts| prompts.keys().next());
        let prompt = prompt.cloned().unwrap_or_default();
        let options = combat["prompts"][&prompt]["options"].as_array().cloned();
        let options = options.unwrap_or_default();
        let mut data = json!({"prompt_id": prompt, "accept": accept});
        if let Some(option) = options.get(option) {
            data["option"] = option["option"].clone();
        }
        let asked = &combat["prompts"][&prompt];
        if let Some(sides) = asked["sides"].as_array() {
            let face = |sides: &Value| sides.as_u64().map(|sides| sides.min(7));
            let faces: Vec<_> = sides.iter().map(face).collect();
            return self.frame(by, "dice", json!({"prompt_id": prompt, "faces": faces}));
        }
        if let Some(default) = asked.get("default") {
            let data = json!({"prompt_id": prompt, "choice": default});
            return self.frame(by, "choice", data);
        }
        self.frame(by, "reaction", data)
    }

    fn update(&mut self, by: u128, who: u128, what: usize) -> Result<Verdict, ClientError> {
        let fields = [
            json!({"hp": {"current": 1}}),
            json!({"hp": {"temp": 9}, "name": "Other"}),
            json!({"hidden": who == LURKER}),
            json!({"owner_id": id(ARIA), "side": "party"}),
            json!({"conditions_add": [{"condition": "prone"}, {"condition": "stunned"}]}),
            json!({"conditions_remove": ["prone"], "speeds": {"walk": 10}}),
            json!({"position": null, "initiative": 3}),
            json!({"economy": {"action": true}, "ac": 20}),
            json!({"elevation_ft": 20}),
            json!({"elevation_ft": -10}),
        ];
        let fields = if who == LURKER { &fields[2] } else { &fields[what] };
        let data = json!({"character_id": id(who), "fields": fields, "reason": "fall"});
        self.frame(by, "combatant_update", data)
    }

    /// An effect that lasts on somebody else, one that is over at once on itself.
    fn apply(
        &mut self,
        by: u128,
        (source, target): (usize, usize),
        held: bool,
    ) -> Result<Verdict, ClientError> {
        let lasting = json!({
            "name": "Hexed", "duration": {"kind": "rounds", "rounds": 2},
            "concentration": held, "source_id": id(ALL[source]),
            "conditions": ["poisoned"], "save_ends": {"ability": "con", "dc": 12},
            "damage": {"dice": [{"dice": "1d6", "type": "fire"}], "edge": "start"},
        });
        let at_once = json!({
            "name": "Rockfall", "duration": {"kind": "instant"}, "concentration": held,
            "damage": {"dice": [{"dice": "1d6", "type": "bludgeoning"}], "edge": "start",
                       "save": {"ability": "dex", "dc": 12, "half": true}},
        });
        let effect = if source == target { at_once } else { lasting };
        let data = json!({"effect": effect, "target_ids": [id(ALL[target])]});
        self.frame(by, "effect_apply", data)
    }

    fn direct(&mut self, by: u128, step: &Any) -> Result<Verdict, ClientError> {
        let combat = self.combat(GM);
        match step {
            Any::Roll(who, face) => {
                let mut data = json!({"character_id": id(ALL[*who])});
                if *face > 0 {
                    data["roll"] = json!(face);
                }
                self.frame(by, "initiative_roll", data)
            }
            Any::Order(order) => {
                let order: Vec<Uuid> = order.iter().map(|who| id(ALL[*who])).collect();
                self.frame(by, "initiative_order", json!({"order": order}))
            }
            Any::Apply(source, target, held) => self.apply(by, (*source, *target), *held),
            Any::RemoveEffect(pick) => {
                let effects: Vec<String> = combat["effects"]
                    .as_object()
                    .map(|effects| effects.keys().cloned().collect())
                    .unwrap_or_default();
                let none = id(9).to_string();
                let effect =
                    if effects.is_empty() { &none } else { &effects[pick.index(effects.len())] };
                self.frame(by, "effect_remove", json!({"effect_id": effect}))
            }
            Any::Update(who, what) => self.update(by, ALL[*who], *what),
            Any::Remove(who) => {
                self.frame(by, "combatant_remove", json!({"character_id": id(ALL[*who])}))
            }
            Any::Add(who, hidden) => {
                let mut combatant = combatants()[*who].clone();
                combatant["hidden"] = json!(*hidden || ALL[*who] == LURKER);
                combatant["position"] = json!([9, who]);
                self.frame(by, "combatant_add", json!({"combatant": combatant}))
            }
            Any::Rewind(pick) => {
                let version = self.any_version(pick);
                self.frame(by, "turn_rewind", json!({"to_version": version}))
            }
            Any::Rollback(pick) => {
                let version = self.any_version(pick);
                self.frame(by, "rollback", json!({"to_version": version}))
            }
            Any::Pause(pause) => {
                let kind = if *pause { "session_pause" } else { "session_resume" };
                self.frame(by, kind, json!({}))
            }
            Any::Late(seconds) => {
                self.table.now = self.table.now.plus_ms(i64::from(*seconds) * 1_000);
                self.actions += 1;
                self.table.run(&service_time_out(ActionId(id(90_000 + self.actions)), true))
            }
            Any::Start => {
                let start = json!({
                    "combatants": combatants(),
                    "grid": {"width": 12, "height": 12, "blocking": [[8, 8]]},
                });
                self.frame(by, "combat_start", start)
            }
            Any::Stop => self.frame(by, "combat_end", json!({})),
            _ => self.frame(by, "chat", json!({"text": "Hm.", "to": "all"})),
        }
    }

    fn any_version(&self, pick: &Index) -> String {
        let now = usize::try_from(self.table.position().version.0).expect("version");
        (pick.index(now) + 1).to_string()
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

    #[test]
    fn any_fight_holds(
        all in any::<bool>(),
        steps in prop::collection::vec(any_step(), 1..80),
    ) {
        let settings = json!({"reaction_seconds": 10, "turn_seconds": 20, "physical_dice": all});
        let mut fight = Fight::started(settings);
        for (by, step) in &steps {
            fight.try_as_player(step);
            // Refusals are part of the play.
            drop(fight.any(*by, step));
            fight.check_sight();
        }
        judge(fight.table.id, &fight.table.journal).expect("the rules come to the same again");
    }
}
