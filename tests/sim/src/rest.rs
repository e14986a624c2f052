//! REST calls of a player over the simulated network: one request per connection.

use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use serde_json::Value;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use uuid::Uuid;

use crate::net::{HostId, Net};

/// Longest time of one call.
const CALL: Duration = Duration::from_secs(15);

/// A player's way to call.
#[derive(Clone)]
pub(crate) struct Rest {
    pub(crate) net: Net,
    pub(crate) own: HostId,
    pub(crate) jwt: String,
}

/// What a call answered.
#[derive(Debug)]
pub(crate) struct Reply {
    pub(crate) status: u16,
    pub(crate) body: Value,
}

impl Rest {
    /// Calls once under a key.
    pub(crate) async fn call(
        &self,
        router: &str,
        (method, path): (&str, &str),
        key: Uuid,
        body: &Value,
    ) -> Result<Reply> {
        tokio::time::timeout(CALL, self.exchange(router, method, path, key, body))
            .await
            .context("no answer")?
    }

    async fn exchange(
        &self,
        router: &str,
        method: &str,
        path: &str,
        key: Uuid,
        body: &Value,
    ) -> Result<Reply> {
        let mut stream = self.net.connect(self.own, router).await?;
        let body = if method == "GET" { String::new() } else { body.to_string() };
        let request = format!(
            "{method} /api/v2/sessions{path} HTTP/1.1\r\nHost: {router}\r\n\
             Authorization: Bearer {}\r\nContent-Type: application/json\r\n\
             Idempotency-Key: {key}\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{body}",
            self.jwt,
            body.len()
        );
        stream.write_all(request.as_bytes()).await?;
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).await?;
        let answer = String::from_utf8(answer).context("the answer is text")?;
        let Some((head, body)) = answer.split_once("\r\n\r\n") else { bail!("half an answer") };
        let status = head.split(' ').nth(1).and_then(|status| status.parse().ok());
        let status = status.context("a status")?;
        let body = if body.is_empty() { Value::Null } else { serde_json::from_str(body)? };
        Ok(Reply { status, body })
    }

    /// Calls until it is done or refused for good, at one router after the other; `again` says for
    /// how long.
    pub(crate) async fn insist(
        &self,
        routers: &[String],
        call: (&str, &str),
        body: &Value,
        within: Duration,
    ) -> Result<Reply> {
        let key = Uuid::new_v4();
        let until = tokio::time::Instant::now() + within;
        let mut last = anyhow::anyhow!("no router");
        for router in routers.iter().cycle() {
            if tokio::time::Instant::now() > until {
                break;
            }
            match self.call(router, call, key, body).await {
                Ok(reply) if reply.status < 500 && reply.status != 429 => return Ok(reply),
                Ok(reply) => last = anyhow::anyhow!("{reply:?}"),
                Err(error) => last = error,
            }
            tokio::time::sleep(Duration::from_millis(300)).await;
        }
        Err(last.context(format!("{} {} was never answered", call.0, call.1)))
    }
}
