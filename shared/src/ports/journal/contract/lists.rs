//! Lists of sessions.

use super::*;

fn head(gm: u128, created_at: i64) -> SessionHead {
    SessionHead {
        campaign: CampaignId(Uuid::nil()),
        name: "table".to_owned(),
        status: "created".to_owned(),
        session_type: "game".to_owned(),
        gm: player(gm),
        members: vec![player(gm)],
        open: false,
        metadata: "{}".to_owned(),
        created_at: Timestamp(created_at),
        updated_at: Timestamp(created_at),
        deleted_at: None,
    }
}

async fn create(journal: &dyn Journal, session: SessionId, head: SessionHead) {
    let mut part = part(SHARDS.shard_of(session).0, 1, session, 0, 1);
    part.head = Some(head);
    assert_eq!(append(journal, vec![part]).await, [None]);
}

async fn ids(journal: &dyn Journal, query: ListQuery) -> Vec<SessionId> {
    let listed = journal.list(&query).await.expect("list");
    listed.into_iter().map(|listed| listed.session).collect()
}

pub(crate) async fn shows_own_and_open_sessions(journal: &dyn Journal) {
    own(journal, &[1, 2]).await;
    let (own, joined, open, hidden, deleted) =
        (session(1, 1), session(2, 2), session(1, 3), session(2, 4), session(1, 5));
    let campaign = CampaignId(Uuid::from_u128(0xca));
    create(journal, own, SessionHead { campaign, ..head(1, 1) }).await;
    let members = vec![player(2), player(1)];
    let fight = SessionHead { members, session_type: "combat".to_owned(), ..head(2, 2) };
    create(journal, joined, fight).await;
    let status = "active".to_owned();
    create(journal, open, SessionHead { open: true, status, ..head(2, 3) }).await;
    create(journal, hidden, head(2, 4)).await;
    let gone = SessionHead { deleted_at: Some(Timestamp(9)), open: true, ..head(1, 5) };
    create(journal, deleted, gone).await;

    let all = ListQuery { limit: 100, ..ListQuery::default() };
    let caller = ListQuery { caller: Some(player(1)), ..all.clone() };
    let mine = ListQuery { mine: true, ..caller.clone() };
    assert_eq!(ids(journal, all.clone()).await, [hidden, open, joined, own]);
    assert_eq!(ids(journal, caller.clone()).await, [open, joined, own]);
    assert_eq!(ids(journal, mine.clone()).await, [joined, own]);
    let nobody = ListQuery { mine: true, ..all.clone() };
    assert_eq!(ids(journal, nobody).await, []);

    let active = ListQuery { status: Some("active".to_owned()), ..caller.clone() };
    assert_eq!(ids(journal, active).await, [open]);
    let of_campaign = ListQuery { campaign: Some(campaign), ..caller.clone() };
    assert_eq!(ids(journal, of_campaign).await, [own]);
    let combats = ListQuery { session_type: Some("combat".to_owned()), ..mine };
    assert_eq!(ids(journal, combats).await, [joined]);
    assert_eq!(ids(journal, ListQuery { limit: 1, ..caller }).await, [open]);
}

pub(crate) async fn pages_without_gaps(journal: &dyn Journal) {
    own(journal, &[3]).await;
    // Two of a kind in each millisecond.
    let mut expected = Vec::new();
    for number in 0..6 {
        let session = session(3, number + 1);
        let at = i64::try_from(number / 2).expect("small");
        create(journal, session, SessionHead { open: true, ..head(1, at) }).await;
        expected.push((Timestamp(at), session));
    }
    expected.sort_unstable();
    expected.reverse();
    for caller in [None, Some(player(1)), Some(player(2))] {
        let mut query = ListQuery { caller, limit: 2, ..ListQuery::default() };
        let mut seen = Vec::new();
        loop {
            let page = journal.list(&query).await.expect("list");
            seen.extend(page.iter().map(|item| (item.head.created_at, item.session)));
            let Some(last) = page.last() else { break };
            query.before = Some((last.head.created_at, last.session));
        }
        assert_eq!(seen, expected);
    }
}
