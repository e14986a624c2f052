//! Connections of the simulated network: two pipes of bytes each, in order, bounded.

use std::collections::VecDeque;
use std::io::{Error, ErrorKind, Result};
use std::pin::Pin;
use std::task::{Context, Poll, Waker};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::sync::oneshot;

use super::{Backlog, HostId, Net, Opening, Parcel, State};

/// Bytes under way and waiting in one pipe.
const PIPE_BYTES: usize = 256 << 10;

/// One direction of a connection.
pub(super) struct Pipe {
    from: HostId,
    to: HostId,
    inbox: VecDeque<u8>,
    under_way: usize,
    /// When the last thing sent arrives: nothing overtakes it.
    last_at: u64,
    /// The writer said that nothing follows.
    ended: bool,
    /// The reader has heard so.
    heard_end: bool,
    broken: bool,
    reader: Option<Waker>,
    writer: Option<Waker>,
}

impl Pipe {
    fn new(from: HostId, to: HostId) -> Self {
        Self {
            from,
            to,
            inbox: VecDeque::new(),
            under_way: 0,
            last_at: 0,
            ended: false,
            heard_end: false,
            broken: false,
            reader: None,
            writer: None,
        }
    }

    fn wakers(&mut self) -> impl Iterator<Item = Waker> + use<> {
        [self.reader.take(), self.writer.take()].into_iter().flatten()
    }
}

impl State {
    pub(super) fn break_pipes_of(&mut self, host: HostId) -> Vec<Waker> {
        let mut wakers = Vec::new();
        for pipe in self.pipes.values_mut().filter(|pipe| pipe.from == host || pipe.to == host) {
            pipe.broken = true;
            wakers.extend(pipe.wakers());
        }
        wakers
    }

    /// Sends something down a pipe, behind everything sent before.
    fn post_in_order(&mut self, net: &Net, id: u64, act: impl FnOnce(&mut Pipe) + Send + 'static) {
        let Some(pipe) = self.pipes.get(&id) else { return };
        let (from, to) = (pipe.from, pipe.to);
        let mut at = self.arrival(from, to);
        if let Some(pipe) = self.pipes.get_mut(&id) {
            at = at.max(pipe.last_at);
            pipe.last_at = at;
        }
        let net = net.clone();
        let run = move || {
            let waker = {
                let mut state = net.state();
                let Some(pipe) = state.pipes.get_mut(&id) else { return };
                act(pipe);
                pipe.reader.take()
            };
            waker.into_iter().for_each(Waker::wake);
        };
        self.post(at, Parcel { from, to, patient: true, run: Box::new(run) });
    }
}

/// One end of a connection.
pub(crate) struct Stream {
    net: Net,
    reads: u64,
    writes: u64,
    own: HostId,
}

impl AsyncRead for Stream {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<Result<()>> {
        let mut wake = None;
        let read = {
            let mut state = self.net.state();
            let Some(pipe) = state.pipes.get_mut(&self.reads) else {
                return Poll::Ready(Err(ErrorKind::ConnectionReset.into()));
            };
            if pipe.broken {
                Poll::Ready(Err(Error::from(ErrorKind::ConnectionReset)))
            } else if !pipe.inbox.is_empty() {
                let count = pipe.inbox.len().min(buffer.remaining());
                let bytes: Vec<u8> = pipe.inbox.drain(..count).collect();
                buffer.put_slice(&bytes);
                wake = pipe.writer.take();
                Poll::Ready(Ok(()))
            } else if pipe.heard_end {
                Poll::Ready(Ok(()))
            } else {
                let _former = pipe.reader.replace(cx.waker().clone());
                return Poll::Pending;
            }
        };
        wake.into_iter().for_each(Waker::wake);
        read
    }
}

impl AsyncWrite for Stream {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<Result<usize>> {
        let mut state = self.net.state();
        let Some(pipe) = state.pipes.get_mut(&self.writes).filter(|pipe| !pipe.broken) else {
            return Poll::Ready(Err(ErrorKind::BrokenPipe.into()));
        };
        if pipe.ended {
            return Poll::Ready(Err(ErrorKind::BrokenPipe.into()));
        }
        let room = PIPE_BYTES.saturating_sub(pipe.inbox.len() + pipe.under_way);
        if room == 0 {
            let _former = pipe.writer.replace(cx.waker().clone());
            return Poll::Pending;
        }
        let sent = bytes[..bytes.len().min(room)].to_vec();
        let count = sent.len();
        pipe.under_way += count;
        state.post_in_order(&self.net, self.writes, move |pipe| {
            pipe.under_way -= sent.len();
            pipe.inbox.extend(sent);
        });
        Poll::Ready(Ok(count))
    }

    fn poll_flush(self: Pin<&mut Self>, _cx: &mut Context<'_>) -> Poll<Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _cx: &mut Context<'_>) -> Poll<Result<()>> {
        self.end();
        Poll::Ready(Ok(()))
    }
}

impl Stream {
    fn end(&self) {
        let mut state = self.net.state();
        if let Some(pipe) = state.pipes.get_mut(&self.writes)
            && !std::mem::replace(&mut pipe.ended, true)
        {
            state.post_in_order(&self.net, self.writes, |pipe| pipe.heard_end = true);
        }
    }
}

impl Drop for Stream {
    fn drop(&mut self) {
        if self.net.state().mute.contains(&self.own) {
            return;
        }
        self.end();
        // Whoever writes to an end that is gone is told when its bytes come back.
        let mut state = self.net.state();
        let Some(pipe) = state.pipes.get(&self.reads) else { return };
        let (from, to, id) = (pipe.from, pipe.to, self.reads);
        let at = state.arrival(to, from);
        let net = self.net.clone();
        let run = move || {
            let pipe = net.state().pipes.remove(&id);
            pipe.into_iter().flat_map(|mut pipe| pipe.wakers()).for_each(Waker::wake);
        };
        state.post(at, Parcel { from: to, to: from, patient: true, run: Box::new(run) });
    }
}

/// Where a host takes connections.
pub(crate) struct Door {
    net: Net,
    address: String,
}

impl Door {
    /// The next connection, and the host it is from.
    pub(crate) fn poll_accept(&mut self, cx: &mut Context<'_>) -> Poll<(Stream, HostId)> {
        let mut state = self.net.state();
        let backlog = state.doors.entry(self.address.clone()).or_default();
        match backlog.waiting.pop_front() {
            Some(arrived) => Poll::Ready(arrived),
            None => {
                let _former = backlog.waker.replace(cx.waker().clone());
                Poll::Pending
            }
        }
    }
}

impl Drop for Door {
    fn drop(&mut self) {
        let backlog = self.net.state().doors.remove(&self.address);
        drop(backlog);
    }
}

pub(super) fn refuse(told: oneshot::Sender<Result<Stream>>) {
    // Whoever asked may have given up.
    let _gave_up = told.send(Err(ErrorKind::ConnectionRefused.into())).is_err();
}

impl Net {
    /// Opens a door at an address of the network.
    pub(crate) fn open(&self, address: &str) -> Door {
        self.state().doors.insert(address.to_owned(), Backlog::default());
        Door { net: self.clone(), address: address.to_owned() }
    }

    /// Connects to an address. Waits for ever where nobody answers: use a deadline.
    pub(crate) async fn connect(&self, from: HostId, address: &str) -> Result<Stream> {
        let to = self.state().addresses.get(address).copied();
        let to = to.ok_or_else(|| Error::new(ErrorKind::NotFound, address.to_owned()))?;
        let (told, answer) = oneshot::channel();
        let (net, address) = (self.clone(), address.to_owned());
        let opening = Opening { from, to, told };
        if self.state().down.contains(&to) {
            self.state().unanswered.push(opening);
        } else {
            self.send(from, to, move || net.arrived(&address, opening));
        }
        let lost = |_| Error::from(ErrorKind::TimedOut);
        answer.await.map_err(lost)?
    }

    fn arrived(&self, address: &str, opening: Opening) {
        let Opening { from, to, told } = opening;
        let opened = {
            let mut state = self.state();
            if state.doors.contains_key(address) {
                let (there, back) = (state.sequence + 1, state.sequence + 2);
                state.sequence += 2;
                state.pipes.insert(there, Pipe::new(from, to));
                state.pipes.insert(back, Pipe::new(to, from));
                let near = Stream { net: self.clone(), reads: back, writes: there, own: from };
                let far = Stream { net: self.clone(), reads: there, writes: back, own: to };
                let backlog = state.doors.entry(address.to_owned()).or_default();
                backlog.waiting.push_back((far, from));
                Some((near, backlog.waker.take()))
            } else {
                None
            }
        };
        match opened {
            None => self.send(to, from, move || refuse(told)),
            Some((near, waker)) => {
                waker.into_iter().for_each(Waker::wake);
                self.send(to, from, move || drop(told.send(Ok(near))));
            }
        }
    }
}
