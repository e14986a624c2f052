//! The admin port of a node or router: health, readiness, metrics, and the operators' calls that
//! the process adds by [`Routes`].
//!
//! `/healthz` speaks of this process only; `/readyz` asks the process. Bodies are JSON.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt as _, Full};
use hyper::body::Incoming;
use hyper::header::{ALLOW, CONTENT_TYPE, HeaderValue};
use hyper::service::service_fn;
use hyper::{Method, Request, Response, StatusCode};
use hyper_util::rt::{TokioIo, TokioTimer};
use prometheus::Registry;
use serde::Serialize;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::telemetry;

/// Connections at a time: operators and scrapers are few.
const CONNECTIONS: usize = 128;
/// Longest time for a request's headers.
const HEADERS: Duration = Duration::from_secs(10);
/// Wait before the next accept after one that failed.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// Body of an answer; may be a stream.
pub type AdminBody = UnsyncBoxBody<Bytes, Infallible>;

/// Whether the process can serve, and what it stands on.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct Readiness {
    /// What the process says of itself.
    pub status: ReadyStatus,
    /// What it stands on.
    pub dependencies: Dependencies,
}

/// Whether a process wants work.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum ReadyStatus {
    /// Send it work.
    Ready,
    /// Not yet.
    Starting,
    /// It leaves.
    Draining,
    /// It cannot work for want of a dependency.
    Unavailable,
}

/// The servers behind a process. The hub's absence does not make it unready.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize)]
pub struct Dependencies {
    /// The journal, whatever holds it.
    pub postgres: Health,
    /// The directory and fan-out.
    pub redis: Health,
    /// The broker.
    pub hub: Health,
}

/// State of one server as last seen.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Health {
    /// It answers.
    Up,
    /// It does not.
    Down,
    /// None is configured, or this process does not use it.
    Unused,
}

impl From<bool> for Health {
    fn from(up: bool) -> Self {
        if up { Self::Up } else { Self::Down }
    }
}

/// Calls that a process adds.
#[async_trait]
pub trait Routes: Send + Sync + 'static {
    /// The answer to a call. [`not_found`] for those it does not have.
    async fn answer(&self, request: Request<Incoming>) -> Response<AdminBody>;
}

/// What the admin port tells.
#[derive(Clone)]
pub struct Admin {
    /// Metrics of the process.
    pub registry: Registry,
    /// Asked at each `/readyz`; must return at once.
    pub readiness: Arc<dyn Fn() -> Readiness + Send + Sync>,
    /// Everything but `/healthz`, `/readyz` and `/metrics`.
    pub routes: Option<Arc<dyn Routes>>,
}

/// Serves until `stop`; open connections are then closed.
pub async fn serve(listener: TcpListener, admin: Admin, stop: CancellationToken) {
    let (tasks, room) = (TaskTracker::new(), Arc::new(Semaphore::new(CONNECTIONS)));
    let accepting = async {
        while let Ok(permit) = Arc::clone(&room).acquire_owned().await {
            match listener.accept().await {
                Ok((tcp, _)) => {
                    let (admin, stop) = (admin.clone(), stop.clone());
                    tasks.spawn(async move {
                        stop.run_until_cancelled(connection(tcp, admin)).await;
                        drop(permit);
                    });
                }
                Err(error) => {
                    tracing::warn!(%error, "admin port cannot accept");
                    tokio::time::sleep(ACCEPT_PAUSE).await;
                }
            }
        }
    };
    stop.run_until_cancelled(accepting).await;
    tasks.close();
    tasks.wait().await;
}

async fn connection(tcp: TcpStream, admin: Admin) {
    let service = service_fn(|request| {
        let admin = admin.clone();
        async move { Ok::<_, Infallible>(answer(&admin, request).await) }
    });
    let served = hyper::server::conn::http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEADERS)
        .serve_connection(TokioIo::new(tcp), service)
        .await;
    if let Err(error) = served {
        tracing::debug!(%error, "admin connection ends");
    }
}

async fn answer(admin: &Admin, request: Request<Incoming>) -> Response<AdminBody> {
    let known = ["/healthz", "/readyz", "/metrics"].contains(&request.uri().path());
    if known && !matches!(*request.method(), Method::GET | Method::HEAD) {
        return not_allowed("GET, HEAD");
    }
    match (request.uri().path(), &admin.routes) {
        ("/healthz", _) => json(StatusCode::OK, &serde_json::json!({"status": "healthy"})),
        ("/readyz", _) => {
            let readiness = (admin.readiness)();
            let status = match readiness.status {
                ReadyStatus::Ready => StatusCode::OK,
                ReadyStatus::Starting | ReadyStatus::Draining | ReadyStatus::Unavailable => {
                    StatusCode::SERVICE_UNAVAILABLE
                }
            };
            json(status, &readiness)
        }
        ("/metrics", _) => match telemetry::text(&admin.registry) {
            Ok(text) => respond(StatusCode::OK, "text/plain; version=0.0.4", text),
            Err(error) => {
                tracing::error!(%error, "metrics cannot be encoded");
                respond(StatusCode::INTERNAL_SERVER_ERROR, "text/plain", "metrics are broken")
            }
        },
        (_, Some(routes)) => routes.answer(request).await,
        (_, None) => not_found(),
    }
}

/// An answer with a JSON body.
pub fn json(status: StatusCode, value: &impl Serialize) -> Response<AdminBody> {
    match serde_json::to_string(value) {
        Ok(text) => respond(status, "application/json", text),
        Err(error) => {
            tracing::error!(%error, "an answer cannot be encoded");
            respond(StatusCode::INTERNAL_SERVER_ERROR, "text/plain", "the answer is broken")
        }
    }
}

/// 404 with an error body.
pub fn not_found() -> Response<AdminBody> {
    let message = "There is no such call.";
    let body = serde_json::json!({"error": {"code": "not_found", "message": message}});
    json(StatusCode::NOT_FOUND, &body)
}

/// 405 with an error body; `allowed` as in `Allow`.
pub fn not_allowed(allowed: &'static str) -> Response<AdminBody> {
    let message = "The method is not allowed here.";
    let body = serde_json::json!({"error": {"code": "not_found", "message": message}});
    let mut response = json(StatusCode::METHOD_NOT_ALLOWED, &body);
    response.headers_mut().insert(ALLOW, HeaderValue::from_static(allowed));
    response
}

fn respond(
    status: StatusCode,
    content_type: &'static str,
    body: impl Into<Bytes>,
) -> Response<AdminBody> {
    let mut response = Response::new(Full::new(body.into()).boxed_unsync());
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
    response
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

    use super::*;

    struct Echo;

    #[async_trait]
    impl Routes for Echo {
        async fn answer(&self, request: Request<Incoming>) -> Response<AdminBody> {
            match request.uri().path() {
                "/admin/v1/echo" => json(StatusCode::OK, &request.method().as_str()),
                _ => not_found(),
            }
        }
    }

    async fn ask(address: std::net::SocketAddr, call: &str) -> (u16, String) {
        let mut tcp = TcpStream::connect(address).await.expect("connect");
        let request = format!("{call} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n");
        tcp.write_all(request.as_bytes()).await.expect("write");
        let mut text = String::new();
        tcp.read_to_string(&mut text).await.expect("read");
        let (head, body) = text.split_once("\r\n\r\n").expect("head");
        (head[9..12].parse().expect("status"), body.to_owned())
    }

    #[tokio::test]
    async fn health_readiness_metrics_and_added_calls() {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.expect("bind");
        let address = listener.local_addr().expect("address");
        let status = Arc::new(Mutex::new(ReadyStatus::Ready));
        let told = Arc::clone(&status);
        let dependencies =
            Dependencies { postgres: Health::Up, redis: Health::Unused, hub: Health::Down };
        let readiness = move || Readiness { status: *told.lock().expect("lock"), dependencies };
        let registry = telemetry::registry(&"node-1".parse().expect("name"));
        let admin =
            Admin { registry, readiness: Arc::new(readiness), routes: Some(Arc::new(Echo)) };
        let stop = CancellationToken::new();
        let server = tokio::spawn(serve(listener, admin, stop.clone()));

        let healthy = (200, r#"{"status":"healthy"}"#.to_owned());
        assert_eq!(ask(address, "GET /healthz").await, healthy);
        let ready =
            r#"{"status":"ready","dependencies":{"postgres":"up","redis":"unused","hub":"down"}}"#;
        assert_eq!(ask(address, "GET /readyz").await, (200, ready.to_owned()));
        *status.lock().expect("lock") = ReadyStatus::Draining;
        let draining = ready.replace("ready", "draining");
        assert_eq!(ask(address, "GET /readyz").await, (503, draining));
        let (code, metrics) = ask(address, "GET /metrics").await;
        assert!(code == 200 && metrics.contains(",process=\"node-1\"} 1\n"), "{metrics}");
        assert_eq!(ask(address, "POST /admin/v1/echo").await, (200, "\"POST\"".to_owned()));
        assert_eq!(ask(address, "GET /nothing").await.0, 404);
        assert_eq!(ask(address, "DELETE /readyz").await.0, 405);

        stop.cancel();
        server.await.expect("ends");
        assert!(TcpStream::connect(address).await.is_err());
    }
}
