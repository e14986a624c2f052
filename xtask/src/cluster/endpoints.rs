//! `endpoints.json`: how to reach a cluster, and how to start its processes again.

use std::collections::BTreeMap;
use std::path::Path;

use anyhow::{Context, Result};
use serde_json::{Value, json};

use crate::cluster::clocks;
use crate::cluster::configuration::{AUDIENCE, ISSUER, Plan, Process};
use crate::processes::Processes;

/// Writes the file whole or not at all.
pub(super) fn write(file: &Path, plan: &Plan, processes: &Processes) -> Result<()> {
    let routers = plan.routers.iter().map(|router| {
        let mut entry = entry(router, processes);
        let http = plan.http(router);
        entry["ws"] = http.replacen("http", "ws", 1).into();
        entry["http"] = http.into();
        entry
    });
    let nodes = plan.nodes.iter().map(|node| entry(node, processes));
    let mut restart = BTreeMap::new();
    let mut pids = BTreeMap::new();
    for name in processes.names() {
        restart.insert(name.clone(), processes.restart_command(&name)?);
        pids.insert(name.clone(), processes.pid(&name));
    }
    let key_id = std::fs::read_to_string(plan.keys().join("jwt.kid")).context("read jwt.kid")?;
    let mut endpoints = json!({
        "routers": routers.collect::<Vec<_>>(),
        "nodes": nodes.collect::<Vec<_>>(),
        "postgres": plan.database,
        "amqp": plan.services.amqp,
        "redis": plan.services.redis,
        "limits": plan.limits,
        "restart": restart,
        "pids": pids,
        "jwt": {
            "issuer": ISSUER,
            "audience": AUDIENCE,
            "alg": "EdDSA",
            "kid": key_id.trim(),
            "private_key_pem_path": plan.keys().join("jwt.pem"),
        },
        "tls_ca": plan.tls.then(|| plan.keys().join("ca.pem")),
    });
    if plan.clocks {
        endpoints["clocks"] = clocks::folder(&plan.dir).display().to_string().into();
    }
    if let Some(network) = plan.network {
        endpoints["host_address"] = network.host().to_string().into();
    }
    if let Some(disk) = &plan.services.journal_disk {
        endpoints["journal_disk"] = disk.display().to_string().into();
    }
    let draft = file.with_extension("json.new");
    std::fs::write(&draft, serde_json::to_string_pretty(&endpoints)?)?;
    std::fs::rename(&draft, file).with_context(|| format!("write {}", file.display()))
}

/// What nodes and routers have in common.
fn entry(process: &Process, processes: &Processes) -> Value {
    let (id, place) = (&process.id, &process.place);
    let admin = format!("http://{}", process.admin);
    let mut entry = json!({"id": id, "admin": admin, "pid": processes.pid(id)});
    if let Some(netns) = &place.netns {
        entry["netns"] = netns.as_str().into();
        entry["address"] = place.address.to_string().into();
    }
    entry
}

/// The file's content without line breaks.
pub(super) fn one_line(file: &Path) -> Result<String> {
    let value: Value = serde_json::from_str(&std::fs::read_to_string(file)?)?;
    Ok(value.to_string())
}
