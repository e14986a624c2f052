//! Sends requests to the masters of their slots and follows where the cluster sends them.
//!
//! All requests of one master go in one pipeline, in the order given.

use std::collections::BTreeMap;
use std::time::Duration;

use futures::future::join_all;
use redis::cluster::NodeAddress;
use redis::{ErrorKind, Pipeline, RedisError, RedisResult, ServerErrorKind, Value};
use tokio::time::{Instant, timeout};

use super::request::Request;
use super::{CallError, Redis};

/// Redirections one request follows before it fails.
const HOPS: u8 = 5;
/// First and longest pause between tries.
const PAUSE: (Duration, Duration) = (Duration::from_millis(5), Duration::from_millis(50));

/// One try of a patient request.
const TRY: Duration = Duration::from_millis(500);

/// How hard to try until the deadline.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Patience {
    /// Redirections are followed; a server that is silent or was so lately fails the request.
    Once,
    /// Tried again until the deadline.
    UntilDeadline,
}

#[derive(Debug)]
struct Call<'a> {
    place: usize,
    request: &'a Request,
    with_text: bool,
    redirect: Option<Redirect>,
    hops: u8,
}

#[derive(Clone, Debug)]
struct Redirect {
    to: NodeAddress,
    asking: bool,
}

#[derive(Debug)]
enum Outcome {
    Done(Result<Value, CallError>),
    /// To be sent again at once.
    Again,
    /// To be sent again after a pause, whoever waits.
    Later(CallError),
    /// No answer: to be sent again only for who is patient.
    Silent(CallError),
}

impl Redis {
    /// Sends one request.
    ///
    /// # Errors
    /// [`CallError::Silent`] without an answer until `deadline`; [`CallError::Refused`] for any
    /// error of the server that no repetition mends.
    pub(crate) async fn call(
        &self,
        request: Request,
        deadline: Instant,
        patience: Patience,
    ) -> Result<Value, CallError> {
        let answers = self.call_each(&[request], deadline, patience).await;
        answers.into_iter().next().unwrap_or(Err(CallError::Silent(None)))
    }

    /// Sends all requests and returns their results in the same order. Those of one master fail
    /// or succeed by themselves.
    pub(crate) async fn call_each(
        &self,
        requests: &[Request],
        deadline: Instant,
        patience: Patience,
    ) -> Vec<Result<Value, CallError>> {
        let mut results: Vec<_> = requests.iter().map(|_| Err(CallError::Silent(None))).collect();
        let new =
            |(place, request)| Call { place, request, with_text: false, redirect: None, hops: 0 };
        let mut open: Vec<Call<'_>> = requests.iter().enumerate().map(new).collect();
        let mut pause = PAUSE.0;
        loop {
            let mut wait = false;
            let mut again = Vec::new();
            for (call, outcome) in self.send(open, deadline, patience).await {
                let place = call.place;
                match outcome {
                    Outcome::Done(result) => results[place] = result,
                    Outcome::Again => again.push(call),
                    Outcome::Silent(error) if patience == Patience::Once => {
                        results[place] = Err(error);
                    }
                    Outcome::Later(error) | Outcome::Silent(error) => {
                        results[place] = Err(error);
                        again.push(call);
                        wait = true;
                    }
                }
            }
            if again.is_empty() || Instant::now() >= deadline {
                return results;
            }
            again.sort_by_key(|call| call.place);
            open = again;
            if wait {
                self.wait_for_change(pause).await;
                pause = (pause * 2).min(PAUSE.1);
            }
        }
    }

    /// Waits until the topology changes, at most `pause`.
    async fn wait_for_change(&self, pause: Duration) {
        let mut topology = self.watch();
        topology.mark_unchanged();
        // Both ends mean the same: try again.
        if let Ok(Err(_)) = timeout(pause, topology.changed()).await {
            tokio::time::sleep(pause).await;
        }
    }

    async fn send<'a>(
        &self,
        calls: Vec<Call<'a>>,
        deadline: Instant,
        patience: Patience,
    ) -> Vec<(Call<'a>, Outcome)> {
        let topology = self.topology();
        let mut groups: BTreeMap<NodeAddress, Vec<Call<'a>>> = BTreeMap::new();
        let mut done = Vec::new();
        for call in calls {
            let redirect = call.redirect.as_ref().map(|redirect| &redirect.to);
            let home =
                || topology.range(call.request.slot).and_then(|range| call.request.home(range));
            match redirect.or_else(home).cloned() {
                Some(node) => groups.entry(node).or_default().push(call),
                None => done.push((call, Outcome::Silent(CallError::Silent(None)))),
            }
        }
        let groups =
            groups.into_iter().map(|(to, calls)| self.send_to(to, calls, deadline, patience));
        done.extend(join_all(groups).await.into_iter().flatten());
        if done.iter().any(|(_, outcome)| matches!(outcome, Outcome::Silent(_) | Outcome::Later(_)))
        {
            self.wake();
        }
        done
    }

    async fn send_to<'a>(
        &self,
        to: NodeAddress,
        mut calls: Vec<Call<'a>>,
        deadline: Instant,
        patience: Patience,
    ) -> Vec<(Call<'a>, Outcome)> {
        let silent = |error: &CallError| Outcome::Silent(error.clone());
        let node = match self.node(&to) {
            Ok(node) if patience == Patience::Once && node.is_suspect() => {
                let error = CallError::Silent(None);
                return calls.into_iter().map(|call| (call, silent(&error))).collect();
            }
            Ok(node) => node,
            Err(error) => return calls.into_iter().map(|call| (call, silent(&error))).collect(),
        };
        let mut pipeline = Pipeline::with_capacity(calls.len());
        pipeline.ignore_errors();
        for call in &calls {
            if call.redirect.as_ref().is_some_and(|redirect| redirect.asking) {
                pipeline.cmd("ASKING");
            }
            pipeline.add_command(call.request.encode(call.with_text));
        }
        let deadline = match patience {
            Patience::Once => deadline,
            Patience::UntilDeadline => deadline.min(Instant::now() + TRY),
        };
        let mut answers = match node.exchange(&pipeline, deadline).await {
            Ok(answers) => answers.into_iter(),
            Err(error) => return calls.into_iter().map(|call| (call, silent(&error))).collect(),
        };
        let mut outcomes = Vec::with_capacity(calls.len());
        for mut call in calls.drain(..) {
            if call.redirect.take().is_some_and(|redirect| redirect.asking) {
                // Its own answer says nothing; the next command's does.
                answers.next();
            }
            let outcome = match answers.next() {
                Some(answer) => self.judge(&mut call, &to, answer),
                None => Outcome::Silent(CallError::Silent(None)),
            };
            outcomes.push((call, outcome));
        }
        outcomes
    }

    fn judge(
        &self,
        call: &mut Call<'_>,
        from: &NodeAddress,
        answer: RedisResult<Value>,
    ) -> Outcome {
        let error = match answer {
            Ok(value) => return Outcome::Done(Ok(value)),
            Err(error) => error,
        };
        let ErrorKind::Server(kind) = error.kind() else {
            return Outcome::Done(Err(CallError::Refused(error)));
        };
        match kind {
            ServerErrorKind::Moved | ServerErrorKind::Ask => {
                call.hops += 1;
                let asking = kind == ServerErrorKind::Ask;
                if !asking {
                    self.wake();
                }
                match redirection(&error, from) {
                    Some(to) if call.hops <= HOPS => {
                        call.redirect = Some(Redirect { to, asking });
                        Outcome::Again
                    }
                    _ => Outcome::Later(CallError::Silent(Some(error))),
                }
            }
            ServerErrorKind::NoScript if !call.with_text => {
                call.with_text = true;
                Outcome::Again
            }
            ServerErrorKind::TryAgain => Outcome::Later(CallError::Silent(Some(error))),
            ServerErrorKind::ClusterDown
            | ServerErrorKind::MasterDown
            | ServerErrorKind::BusyLoading
            | ServerErrorKind::ReadOnly => Outcome::Silent(CallError::Silent(Some(error))),
            _ => Outcome::Done(Err(CallError::Refused(error))),
        }
    }
}

/// Where a MOVED or ASK of the server at `from` points.
fn redirection(error: &RedisError, from: &NodeAddress) -> Option<NodeAddress> {
    let (to, _) = error.redirect_node()?;
    match to.strip_prefix(':') {
        Some(port) => Some(NodeAddress::new(from.host(), port.parse().ok()?)),
        None => NodeAddress::try_from(to).ok(),
    }
}
