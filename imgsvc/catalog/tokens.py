"""Tokens in a SQL database."""

import builtins
from dataclasses import replace

import sqlalchemy as sa

from imgsvc.catalog.database import Database, stored_time, utc
from imgsvc.catalog.schema import tokens
from imgsvc.core.assets import Instance
from imgsvc.core.tokens import Scope, Token, TokenDigest


class SqlTokens:
    def __init__(self, database: Database) -> None:
        self._database = database

    async def add(self, token: Token) -> Token:
        row = {
            "digest": token.digest,
            "name": token.name,
            "instance": token.instance,
            "scopes": " ".join(sorted(token.scopes)),
            "created": stored_time(token.created),
        }

        def insert(connection: sa.Connection) -> Token:
            key = connection.execute(tokens.insert().values(row)).inserted_primary_key
            assert key is not None
            return replace(token, serial=key[0])

        return await self._database.write(insert)

    async def find(self, digest: TokenDigest) -> Token | None:
        def select(connection: sa.Connection) -> Token | None:
            row = connection.execute(tokens.select().where(tokens.c.digest == digest)).mappings().first()
            return None if row is None else _token_from_row(row)

        return await self._database.read(select)

    async def list(self) -> builtins.list[Token]:
        def select(connection: sa.Connection) -> builtins.list[Token]:
            rows = connection.execute(tokens.select().order_by(tokens.c.created, tokens.c.serial)).mappings()
            return [_token_from_row(row) for row in rows]

        return await self._database.read(select)

    async def revoke(self, name: str) -> int:
        statement = tokens.delete().where(tokens.c.name == name)
        return await self._database.write(lambda connection: connection.execute(statement).rowcount)


def _token_from_row(row: sa.RowMapping) -> Token:
    return Token(
        digest=TokenDigest(row[tokens.c.digest]),
        name=row[tokens.c.name],
        instance=Instance(row[tokens.c.instance]),
        scopes=frozenset(map(Scope, row[tokens.c.scopes].split())),
        created=utc(row[tokens.c.created]),
        serial=row[tokens.c.serial],
    )
