//! Whatever order, loss and repetition the roads bring: every viewer's output is the journal
//! restricted to what it may see, in order, once, with the right `prev`.

use std::collections::BTreeSet;

use gss_shared::ids::PlayerId;
use gss_shared::message::{Role, Viewer};
use proptest::prelude::*;

use super::super::cursor::{Attached, Cursor, Wish};
use super::super::rendered::Rendered;
use super::*;

const VIEWERS: u128 = 3;

fn player(n: u128) -> PlayerId {
    PlayerId(uuid::Uuid::from_u128(n))
}

/// GM is viewer 0.
fn role(n: u128) -> Role {
    if n == 0 { Role::Gm } else { Role::Player }
}

#[derive(Clone, Debug)]
enum Road {
    /// This version comes by pub/sub or link.
    Message(u64),
    /// A beat tells this version.
    Beat(u64),
    /// The journal has grown to this version.
    Grow(u64),
    /// Milliseconds pass; a fetch under way is answered first, if asked.
    Time(u64, bool),
}

fn roads(length: u64) -> impl Strategy<Value = Vec<Road>> {
    let one = prop_oneof![
        6 => (1..=length).prop_map(Road::Message),
        1 => (1..=length).prop_map(Road::Beat),
        3 => (1..=length).prop_map(Road::Grow),
        2 => (0..30_u64, any::<bool>()).prop_map(|(ms, answer)| Road::Time(ms, answer)),
    ];
    prop::collection::vec(one, 0..200)
}

/// Who sees version n, by a mask of viewers; a second variant for the others if `both`.
fn journal(masks: &[(u8, bool)]) -> Vec<Message> {
    let audience = |mask: u8| {
        let players = (1..VIEWERS).filter(|n| mask & (1 << n) != 0).map(player);
        Audience::Some { gms: mask & 1 != 0, players: players.collect::<BTreeSet<_>>() }
    };
    (1..)
        .zip(masks)
        .map(|(v, (mask, both))| {
            let mut message = message(1, v);
            message.variants[0].audience = audience(*mask);
            if *both {
                let head = format!(r#"{{"type":"u","data":{{"version":"{v}""#);
                message.variants.push(Variant { audience: Audience::All, head });
            }
            message
        })
        .collect()
}

fn expected(journal: &[Message], from: u64, viewer: u128) -> Vec<String> {
    let viewer = Viewer { player: player(viewer), role: role(viewer) };
    let mut prev = from;
    let seen = journal.iter().filter(|message| message.version().0 > from);
    seen.filter_map(|message| {
        let (_, head) = message.head_for(viewer)?;
        let frame = format!(r#"{head},"prev":"{prev}"}}}}"#);
        prev = message.version().0;
        Some(frame)
    })
    .collect()
}

struct World {
    journal: Vec<Message>,
    committed: u64,
    stream: Stream,
    cursors: Vec<Cursor>,
    output: Vec<Vec<String>>,
    fetching: Option<Position>,
    now: Instant,
}

impl World {
    fn new(journal: Vec<Message>, from: u64) -> Self {
        let mut stream = Stream::default();
        let now = Instant::now();
        stream.start(at(1, from), now, &mut Vec::new());
        let cursors = (0..VIEWERS).map(|n| {
            let mut cursor = Cursor::attaching(player(n));
            let attached = Attached {
                role: role(n),
                established: "established".into(),
                from: at(1, from).into(),
                missed: Vec::new(),
                sync: None,
                at: at(1, from),
                messages_per_minute: 100,
            };
            assert_eq!(cursor.attached(attached), Wish::Nothing);
            let _established = cursor.take();
            cursor
        });
        let cursors = cursors.collect();
        let output = (0..VIEWERS).map(|_| Vec::new()).collect();
        Self { journal, committed: from, stream, cursors, output, fetching: None, now }
    }

    fn input(&mut self, input: impl FnOnce(&mut Stream, Instant, &mut Vec<Step>)) {
        let mut steps = Vec::new();
        input(&mut self.stream, self.now, &mut steps);
        let mut rendered = Rendered::default();
        for step in steps {
            match step {
                Step::Deliver(message) => {
                    rendered.clear();
                    for (cursor, output) in self.cursors.iter_mut().zip(&mut self.output) {
                        assert_eq!(cursor.offer(&message, &mut rendered), Wish::Nothing);
                        output.extend(cursor.take().frames.iter().map(ToString::to_string));
                    }
                }
                Step::Fetch { after } => {
                    assert_eq!(self.fetching.replace(after), None, "one at a time");
                }
                Step::Diverged => panic!("there is one history"),
            }
        }
    }

    fn answer_fetch(&mut self) {
        let Some(after) = self.fetching.take() else { return };
        let rest = self.journal.iter().filter(|m| m.version() > after.version);
        let rest = rest.take_while(|m| m.version().0 <= self.committed);
        let messages: Vec<Message> = rest.take(3).cloned().collect();
        let more = messages.last().is_some_and(|last| last.version().0 < self.committed);
        let outcome = FetchOutcome::Tail { messages, more };
        self.input(|stream, now, steps| stream.fetched(outcome, now, steps));
    }

    fn road(&mut self, road: &Road) {
        match *road {
            // Nothing comes that is not committed.
            Road::Message(v) if v <= self.committed => {
                let message = Arc::new(self.journal[v as usize - 1].clone());
                self.input(|stream, now, steps| stream.offer(message, now, steps));
            }
            Road::Beat(v) if v <= self.committed => {
                self.input(|stream, now, steps| {
                    stream.told(at(1, v), Urgency::Soon, now, steps);
                });
            }
            Road::Grow(v) => self.committed = self.committed.max(v),
            Road::Time(ms, answer) => {
                if answer {
                    self.answer_fetch();
                }
                self.now += Duration::from_millis(ms);
                self.input(Stream::tick);
            }
            Road::Message(_) | Road::Beat(_) => {}
        }
    }

    /// Beats and time go on until nothing is missing any more.
    fn heal(&mut self) {
        let head = at(1, self.committed);
        for _ in 0..1_000 {
            if self.stream.last() == Some(head) {
                return;
            }
            self.input(|stream, now, steps| stream.told(head, Urgency::Soon, now, steps));
            self.answer_fetch();
            self.now += Duration::from_millis(250);
            self.input(Stream::tick);
        }
        panic!("does not heal: {:?}", self.stream);
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn every_viewer_gets_its_part_of_the_journal(
        masks in prop::collection::vec((0..8_u8, any::<bool>()), 1..40),
        from in 0..40_u64,
        steps in roads(40),
    ) {
        let journal = journal(&masks);
        let length = journal.len() as u64;
        let from = from.min(length);
        let mut world = World::new(journal, from);
        for road in &steps {
            let road = match road {
                Road::Message(v) => Road::Message((*v).min(length)),
                Road::Beat(v) => Road::Beat((*v).min(length)),
                Road::Grow(v) => Road::Grow((*v).min(length)),
                Road::Time(ms, answer) => Road::Time(*ms, *answer),
            };
            world.road(&road);
        }
        world.heal();
        let committed = &world.journal[..world.committed as usize];
        for viewer in 0..VIEWERS {
            let expected = expected(committed, from, viewer);
            prop_assert_eq!(&world.output[viewer as usize], &expected, "viewer {}", viewer);
        }
    }
}
