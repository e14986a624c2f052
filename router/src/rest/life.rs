//! `pause`, `resume` and `end` of a session.

use gss_shared::error_code::ClientError;
use gss_shared::link::frame::ReadKind;
use gss_shared::rest_command::RestCommand;

use super::exchange::Exchange;
use super::reply::Reply;

/// `POST …/pause`.
pub(crate) async fn pause(exchange: &mut Exchange<'_>) -> Result<Reply, ClientError> {
    change(exchange, |reason| RestCommand::Pause { reason }).await
}

/// `POST …/resume`.
pub(crate) async fn resume(exchange: &mut Exchange<'_>) -> Result<Reply, ClientError> {
    change(exchange, |reason| RestCommand::Resume { reason }).await
}

/// `POST …/end`.
pub(crate) async fn end(exchange: &mut Exchange<'_>) -> Result<Reply, ClientError> {
    change(exchange, |reason| RestCommand::End { reason }).await
}

async fn change(
    exchange: &mut Exchange<'_>,
    command: impl FnOnce(Option<String>) -> RestCommand,
) -> Result<Reply, ClientError> {
    let session = exchange.session()?;
    let mut fields = exchange.optional_fields().await?;
    let command = command(fields.text("reason")?);
    fields.close()?;
    let view = ReadKind::Session;
    let action = exchange.action()?;
    let accepted = exchange.command(session, action, &command, Some(view.clone())).await?;
    let view = exchange.view(session, &accepted, view).await?;
    exchange.session_reply(session, view)
}
