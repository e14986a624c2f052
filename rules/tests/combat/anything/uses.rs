//! What the stat blocks of random play have besides their own.

use gss_rules::content::SpecialAction;
use serde_json::json;

/// What somebody at home does there.
pub(super) fn lair() -> Vec<SpecialAction> {
    let fall = |id: &str| {
        json!({"use_id": id, "name": id, "cost": "lair", "range_ft": 120, "targets": 1,
               "damage": [{"dice": "1d6", "type": "bludgeoning"}],
               "save": {"ability": "dex", "dc": 12, "half": true},
               "fail": {"conditions": ["prone"]}})
    };
    let all = ["rocks-fall", "tremor"].map(fall);
    all.map(|it| serde_json::from_value(it).expect("a use")).into()
}

/// What an attack can bring besides.
pub(super) fn smite() -> SpecialAction {
    let smite = json!({"use_id": "smite", "name": "Smite", "cost": "free", "per_day": 9,
                       "damage": [{"dice": "2d8", "type": "radiant"}],
                       "save": {"ability": "con", "dc": 12, "half": true},
                       "fail": {"conditions": ["prone"]}});
    serde_json::from_value(smite).expect("a use")
}
