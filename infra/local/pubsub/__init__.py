"""Sapphire's own Pub/Sub emulator: the public gRPC API (google.pubsub.v1) for the ordinary clients and for Beam.

Started with `python -m infra.local.pubsub`; clients find it by PUBSUB_EMULATOR_HOST=host:port. Counts for accounting are
served by GET /stats on --stats-port: for each topic published and published_bytes; for each subscription received,
filtered, restored, delivered, redelivered, acked, dead_lettered, dropped, discarded, outstanding, backlog, backlog_bytes,
with received + restored = acked + dead_lettered + dropped + discarded + backlog. They count from the start of the process.

Emulated
    Topics and subscriptions (create, get, list, update, delete, detach) with the real status codes and limits; publish
    (10 MB, 1,000 messages, attribute limits); attribute filters; unary and streaming pull with flow control; ack deadlines,
    nacks, redelivery, delivery attempts; ordering keys; dead-letter and retry policies; seek to a time and to snapshots;
    retention by time and by bounds of memory (--max-messages, --max-bytes a subscription; the oldest go first, the log
    says so); state over restarts (--data-dir).

Told apart from the real service
    An empty unary pull answers after --pull-wait-ms (5 ms), not after up to 90 s: Beam's direct runner polls its
    sources on one thread. A late acknowledgement is ignored. Order holds over publishers of one key as they arrive here.
    Delivery attempts, snapshots and retained acknowledged messages do not survive a restart.

Not emulated (UNIMPLEMENTED, or refused with a clear text)
    Push, BigQuery, Bigtable and Cloud Storage subscriptions; exactly-once delivery; schemas; message transforms; ingestion;
    IAM; snapshot updates; expiry of idle subscriptions; quotas.

The core (broker, topic, subscription, delivery, retained, message, filters, settings) knows no gRPC and no clock.
"""
