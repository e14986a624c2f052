//! Characters come from the character service, over the hub.

use std::collections::BTreeMap;
use std::time::Duration;

use anyhow::{Result, bail, ensure};
use gss_client::{ApiError, Client, Command, CommandError};
use gss_tests::cluster::Cluster;
use gss_tests::player::Seat;
use gss_tests::service::CharacterService;
use serde_json::{Value, json};
use tokio::time::timeout;
use uuid::Uuid;

const PATIENCE: Duration = Duration::from_secs(60);
const ARIA: Uuid = Uuid::from_u128(0x9a1e_40b4_5815_4a99_99e2_d153_64c7_a500);
const STRANGER: Uuid = Uuid::from_u128(0x9a1e_40b4_5815_4a99_99e2_d153_64c7_a501);
const NOBODY: Uuid = Uuid::from_u128(0x9a1e_40b4_5815_4a99_99e2_d153_64c7_a502);

fn character(id: Uuid, owner: Value) -> (Uuid, Value) {
    let block = json!({
        "size": "medium", "ac": 15, "hp": {"current": 21, "max": 28, "temp": 0},
        "abilities": {"str": 16, "dex": 14, "con": 14, "int": 10, "wis": 12, "cha": 8},
        "speeds": {"walk": 30},
        "resources": {"second-wind": {"current": 0, "max": 1, "recover": "short_rest"}},
    });
    let character = json!({"character_id": id, "owner_id": owner, "name": "Aria",
                           "level": 5, "stat_block": block, "conditions": ["prone"]});
    (id, character)
}

/// Code and details of a refusal.
fn refused<T>(done: Result<T, ApiError>) -> Result<(String, Value)> {
    match done {
        Ok(_) => bail!("not refused"),
        Err(ApiError::Refused { refusal, .. }) => {
            Ok((refusal.code, Value::Object(refusal.details)))
        }
        Err(error) => bail!("not refused by the service: {error}"),
    }
}

async fn sends(client: &Client, kind: &str, data: Value) -> Result<(), CommandError> {
    let pending = client.send(Command::new(kind, data)).await?;
    match timeout(PATIENCE, pending).await {
        Ok(answered) => answered.map(drop),
        Err(_) => panic!("no answer to {kind}"),
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn players_bring_their_own_characters_and_fight_with_their_numbers() -> Result<()> {
    let cluster = Cluster::builder().set("hub.services=['character']").start().await?;
    let (gm, player) = (Seat::new(&cluster, 0)?, Seat::new(&cluster, 1)?);
    let (session, token) = gm.create("characters", &json!({})).await?;
    let (client, _events) = Client::connect(gm.options(session, token)).await?;
    let join = |character: Uuid| player.api().join(session.0, json!({"character_id": character}));

    // Nobody answers yet: the player is told so, and may try again.
    let (code, details) = refused(join(ARIA).await)?;
    ensure!(code == "service_failed" && details["service"] == "character", "{code} {details}");

    let own = character(ARIA, json!(player.player()));
    let others = character(STRANGER, json!(Uuid::from_u128(1)));
    let url = &cluster.endpoints().amqp;
    let service = CharacterService::start(url, BTreeMap::from([own, others])).await?;
    for (id, expected) in [(STRANGER, "not_your_character"), (NOBODY, "character_not_found")] {
        let (code, details) = refused(join(id).await)?;
        ensure!(code == expected && details["character_id"] == json!(id), "{code} {details}");
    }
    join(ARIA).await?;

    let start = json!({
        "combatants": [
            {"character_id": ARIA, "kind": "character", "side": "party", "position": [2, 2]},
            {"kind": "monster", "side": "enemies", "stat_block": "ogre", "position": [5, 2]},
        ],
        "grid": {"width": 12, "height": 12},
    });
    sends(&client, "combat_start", start).await?;
    let combat = player.api().combat(session.0).await?;
    let aria = &combat["combatants"][ARIA.to_string()];
    ensure!(aria["name"] == "Aria" && aria["owner_id"] == json!(player.player()), "{aria}");
    ensure!(aria["hp"] == json!({"current": 21, "max": 28, "temp": 0}), "{aria}");
    ensure!(aria["resources"]["second-wind"]["current"] == 0, "{aria}");
    ensure!(aria["conditions"][0]["condition"] == "prone", "{aria}");

    // The table plays on without the service; who needs it is told.
    drop(service);
    sends(&client, "chat", json!({"text": "on", "to": "all"})).await?;
    let stranger = json!({"character_id": STRANGER, "kind": "character", "side": "party"});
    let added = sends(&client, "combatant_add", json!({"combatant": stranger})).await;
    let Err(CommandError::Refused(refusal)) = added else { bail!("{added:?}") };
    ensure!(refusal.code == "service_failed", "{refusal:?}");
    client.close().await;
    cluster.passed();
    Ok(())
}
