-- Records an operator's act.
-- $1 when  $2 who  $3 what  $4 details
INSERT INTO admin_audit (created_at, actor, act, details)
VALUES ($1::timestamp, $2::text, $3::text, $4::text::jsonb)
