//! `endpoints.json`: how to reach a cluster, and how to start its processes again.

use std::collections::BTreeMap;
use std::path::Path;

use anyhow::{Context, Result};
use serde_json::{Value, json};

use crate::cluster::configuration::{AUDIENCE, ISSUER, Plan};
use crate::processes::Processes;

/// Writes the file whole or not at all.
pub(super) fn write(file: &Path, plan: &Plan, processes: &Processes) -> Result<()> {
    let routers = plan.routers.iter().map(|router| {
        let http = plan.http(&router.id);
        let ws = http.replacen("http", "ws", 1);
        let admin = format!("http://127.0.0.1:{}", router.admin);
        let pid = processes.pid(&router.id);
        json!({"id": router.id, "http": http, "ws": ws, "admin": admin, "pid": pid})
    });
    let nodes = plan.nodes.iter().map(|node| {
        let admin = format!("http://127.0.0.1:{}", node.admin);
        json!({"id": node.id, "admin": admin, "pid": processes.pid(&node.id)})
    });
    let mut restart = BTreeMap::new();
    let mut pids = BTreeMap::new();
    for name in processes.names() {
        restart.insert(name.clone(), processes.restart_command(&name)?);
        pids.insert(name.clone(), processes.pid(&name));
    }
    let key_id = std::fs::read_to_string(plan.keys().join("jwt.kid")).context("read jwt.kid")?;
    let endpoints = json!({
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
    let draft = file.with_extension("json.new");
    std::fs::write(&draft, serde_json::to_string_pretty(&endpoints)?)?;
    std::fs::rename(&draft, file).with_context(|| format!("write {}", file.display()))
}

/// The file's content without line breaks.
pub(super) fn one_line(file: &Path) -> Result<String> {
    let value: Value = serde_json::from_str(&std::fs::read_to_string(file)?)?;
    Ok(value.to_string())
}
