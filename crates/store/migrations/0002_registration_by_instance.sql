-- Two devices behind different NATs may have the same private Contact: they are
-- told apart by their `+sip.instance`, which is '' where a device names none.

ALTER TABLE registration RENAME TO registration_by_contact;

CREATE TABLE registration (
    extension   TEXT NOT NULL,
    contact_uri TEXT NOT NULL,
    instance    TEXT NOT NULL,
    flow_local  TEXT NOT NULL,
    flow_remote TEXT NOT NULL,
    transport   TEXT NOT NULL,
    expires_at  INTEGER NOT NULL,
    call_id     TEXT NOT NULL,
    cseq        INTEGER NOT NULL,
    user_agent  TEXT NOT NULL,
    path        TEXT,
    q           TEXT,
    PRIMARY KEY (extension, contact_uri, instance)
);

INSERT INTO registration (extension, contact_uri, instance, flow_local, flow_remote, transport,
                          expires_at, call_id, cseq, user_agent, path, q)
SELECT extension, contact_uri, COALESCE(instance, ''), flow_local, flow_remote, transport,
       expires_at, call_id, cseq, user_agent, path, q
FROM registration_by_contact;

DROP TABLE registration_by_contact;
