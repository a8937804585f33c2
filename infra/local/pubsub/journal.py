"""State on disk: topics, subscriptions and unacknowledged messages in one SQLite file.

A publish is committed before the publisher is answered, so it survives the death of the process (not a
power cut: SQLite does not wait for the disk). Acknowledgements are committed with the next publish or tick;
the few that a crash loses are redelivered. Delivery attempts, snapshots, and messages kept after their
acknowledgement do not survive.
"""

import json
import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict
from pathlib import Path

from infra.local.pubsub.message import Message
from infra.local.pubsub.settings import SubscriptionSettings, TopicSettings

FILE_NAME = "pubsub.sqlite"
_ID_BLOCK = 10_000
_SCHEMA = """
CREATE TABLE IF NOT EXISTS topics (name TEXT PRIMARY KEY, settings TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS subscriptions (
    name TEXT PRIMARY KEY, settings TEXT NOT NULL, detached INTEGER NOT NULL
);
CREATE TABLE IF NOT EXISTS backlog (
    subscription TEXT NOT NULL, id INTEGER NOT NULL, publish_time REAL NOT NULL, ordering_key TEXT NOT NULL,
    attributes TEXT NOT NULL, size INTEGER NOT NULL, data BLOB NOT NULL, PRIMARY KEY (subscription, id)
);
CREATE TABLE IF NOT EXISTS next_id (only INTEGER PRIMARY KEY CHECK (only = 1), value INTEGER NOT NULL);
"""


class SqliteJournal:
    """The broker's Journal over SQLite. Raises sqlite3.Error when the folder cannot be written."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._db = sqlite3.connect(folder / FILE_NAME, isolation_level=None, timeout=0)
        self._db.execute("PRAGMA locking_mode = EXCLUSIVE")
        self._db.execute("PRAGMA journal_mode = WAL")
        self._db.execute("PRAGMA synchronous = NORMAL")
        self._db.executescript(_SCHEMA)
        self._open = False
        row = self._db.execute("SELECT value FROM next_id").fetchone()
        self.first_id: int = row[0] if row else 1
        self._reserved = self.first_id

    # What the broker tells

    def topic_saved(self, settings: TopicSettings) -> None:
        """Keep a topic."""
        self._begin()
        self._db.execute("REPLACE INTO topics VALUES (?, ?)", (settings.name, json.dumps(asdict(settings))))

    def topic_deleted(self, name: str) -> None:
        """Forget a topic."""
        self._begin()
        self._db.execute("DELETE FROM topics WHERE name = ?", (name,))

    def subscription_saved(self, settings: SubscriptionSettings, detached: bool) -> None:
        """Keep a subscription."""
        self._begin()
        self._db.execute(
            "REPLACE INTO subscriptions VALUES (?, ?, ?)",
            (settings.name, json.dumps(asdict(settings)), detached),
        )

    def subscription_deleted(self, name: str) -> None:
        """Forget a subscription and its backlog."""
        self._begin()
        self._db.execute("DELETE FROM subscriptions WHERE name = ?", (name,))
        self._db.execute("DELETE FROM backlog WHERE subscription = ?", (name,))

    def added(self, subscription: str, messages: Sequence[Message]) -> None:
        """Keep messages of a backlog."""
        self._begin()
        self._db.executemany(
            "REPLACE INTO backlog VALUES (?, ?, ?, ?, ?, ?, ?)",
            [
                (
                    subscription,
                    message.id,
                    message.publish_time,
                    message.ordering_key,
                    json.dumps(dict(message.attributes)),
                    message.size,
                    message.data,
                )
                for message in messages
            ],
        )

    def removed(self, subscription: str, ids: Iterable[int]) -> None:
        """Forget messages of a backlog."""
        self._begin()
        self._db.executemany(
            "DELETE FROM backlog WHERE subscription = ? AND id = ?",
            [(subscription, message_id) for message_id in ids],
        )

    def next_id(self, next_id: int) -> None:
        """Make sure that no id below `next_id` is given again; ids are reserved in blocks."""
        if next_id > self._reserved:
            self._begin()
            self._reserved = next_id + _ID_BLOCK
            self._db.execute("REPLACE INTO next_id VALUES (1, ?)", (self._reserved,))

    def commit(self) -> None:
        """Make what was told so far survive."""
        if self._open:
            self._db.execute("COMMIT")
            self._open = False

    def close(self) -> None:
        """Commit and let go of the file."""
        self.commit()
        self._db.close()

    # What it gives back

    def topics(self) -> list[TopicSettings]:
        """The topics of the earlier run."""
        return [
            TopicSettings(**json.loads(row[0])) for row in self._db.execute("SELECT settings FROM topics")
        ]

    def subscriptions(self) -> Iterator[tuple[SubscriptionSettings, bool, list[Message]]]:
        """The subscriptions of the earlier run, whether detached, and their messages in publish order."""
        rows = self._db.execute("SELECT name, settings, detached FROM subscriptions").fetchall()
        for name, settings_json, detached in rows:
            fields = json.loads(settings_json)
            if fields["backoff"] is not None:
                fields["backoff"] = tuple(fields["backoff"])
            yield SubscriptionSettings(**fields), bool(detached), self._backlog(name)

    def _backlog(self, name: str) -> list[Message]:
        rows = self._db.execute(
            "SELECT id, data, attributes, ordering_key, publish_time, size FROM backlog"
            " WHERE subscription = ? ORDER BY id",
            (name,),
        )
        return [
            Message(message_id, data, json.loads(attributes), key, published, size)
            for message_id, data, attributes, key, published, size in rows
        ]

    def _begin(self) -> None:
        if not self._open:
            self._db.execute("BEGIN")
            self._open = True
