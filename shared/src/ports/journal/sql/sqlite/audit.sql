-- Records an operator's act.
INSERT INTO admin_audit (created_at, actor, act, details) VALUES (?1, ?2, ?3, ?4)
