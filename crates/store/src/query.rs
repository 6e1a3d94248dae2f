//! One statement with its arguments, and rows, for both databases alike.
//!
//! Both drivers accept `$1`, so most statements are written once; where the dialects differ, both texts
//! stand side by side in one [`Query`].

use crate::error::{Result, StoreError};
use crate::sqlite::SqliteRow;
use bia_model::Timestamp;
use sqlx::Row as _;
use std::borrow::Cow;
use uuid::Uuid;

/// A value for a placeholder. `None` keeps its type, which PostgreSQL wants to know.
#[derive(Clone)]
pub(crate) enum Arg<'q> {
    Text(Option<Cow<'q, str>>),
    Int(Option<i64>),
    Uuid(Option<Uuid>),
    Bytes(Option<&'q [u8]>),
    Bool(bool),
}

macro_rules! arg_from {
    ($($source:ty => |$value:ident| $arg:expr;)*) => {
        $(impl<'q> From<$source> for Arg<'q> {
            fn from($value: $source) -> Self {
                $arg
            }
        })*
    };
}

arg_from! {
    &'q str => |value| Arg::Text(Some(Cow::Borrowed(value)));
    String => |value| Arg::Text(Some(Cow::Owned(value)));
    Option<&'q str> => |value| Arg::Text(value.map(Cow::Borrowed));
    i64 => |value| Arg::Int(Some(value));
    u32 => |value| Arg::Int(Some(i64::from(value)));
    Timestamp => |value| Arg::Int(Some(value.micros()));
    Option<Timestamp> => |value| Arg::Int(value.map(Timestamp::micros));
    Uuid => |value| Arg::Uuid(Some(value));
    Option<Uuid> => |value| Arg::Uuid(value);
    &'q [u8] => |value| Arg::Bytes(Some(value));
    Option<&'q [u8]> => |value| Arg::Bytes(value);
    bool => |value| Arg::Bool(value);
}

/// A statement, ready to run on either database. `operation` labels its metrics.
pub(crate) struct Query<'q> {
    pub(crate) operation: &'static str,
    pub(crate) sqlite: Cow<'static, str>,
    pub(crate) postgres: Cow<'static, str>,
    pub(crate) args: Vec<Arg<'q>>,
    /// False for texts that vary, which would only push the steady ones out of the statement cache.
    pub(crate) cached: bool,
}

impl<'q> Query<'q> {
    /// The same text for both databases.
    pub(crate) fn new(operation: &'static str, sql: &'static str) -> Self {
        Self::by_dialect(operation, sql, sql)
    }

    /// One text for each database.
    pub(crate) fn by_dialect(operation: &'static str, sqlite: &'static str, postgres: &'static str) -> Self {
        Self {
            operation,
            sqlite: Cow::Borrowed(sqlite),
            postgres: Cow::Borrowed(postgres),
            args: Vec::with_capacity(8),
            cached: true,
        }
    }

    /// A text put together at run time, from constant pieces and [`Query::next`] alone.
    pub(crate) fn assembled(operation: &'static str, sql: impl Into<String>) -> Self {
        let sql = sql.into();
        Self { operation, sqlite: Cow::Owned(sql.clone()), postgres: Cow::Owned(sql), args: Vec::new(), cached: false }
    }

    pub(crate) fn bind(mut self, value: impl Into<Arg<'q>>) -> Self {
        self.args.push(value.into());
        self
    }

    /// Appends constant SQL to both texts.
    pub(crate) fn push(&mut self, sql: &str) {
        self.sqlite.to_mut().push_str(sql);
        self.postgres.to_mut().push_str(sql);
    }

    /// Binds a value and appends its placeholder.
    pub(crate) fn push_arg(&mut self, value: impl Into<Arg<'q>>) {
        self.args.push(value.into());
        let placeholder = format!("${}", self.args.len());
        self.push(&placeholder);
    }

    /// Appends `($1, $2, …)` with a placeholder for each value.
    pub(crate) fn push_list<A: Into<Arg<'q>>>(&mut self, values: impl IntoIterator<Item = A>) {
        self.push("(");
        for (index, value) in values.into_iter().enumerate() {
            if index > 0 {
                self.push(", ");
            }
            self.push_arg(value);
        }
        self.push(")");
    }
}

/// One row of either database; columns are read by position.
pub(crate) enum Row {
    Sqlite(SqliteRow),
    Postgres(sqlx::postgres::PgRow),
}

fn required<T>(value: Option<T>, index: usize) -> Result<T> {
    value.ok_or_else(|| StoreError::wrong_column(index))
}

macro_rules! column {
    ($self:ident, $index:ident, $kind:ident) => {
        match $self {
            Row::Sqlite(row) => row.$kind($index).ok_or_else(|| StoreError::wrong_column($index)),
            Row::Postgres(row) => row.try_get($index).map_err(|error| StoreError::column(&error)),
        }
    };
}

impl Row {
    pub(crate) fn text(&self, index: usize) -> Result<&str> {
        required(self.optional_text(index)?, index)
    }

    pub(crate) fn optional_text(&self, index: usize) -> Result<Option<&str>> {
        column!(self, index, text)
    }

    pub(crate) fn int(&self, index: usize) -> Result<i64> {
        required(self.optional_int(index)?, index)
    }

    fn optional_int(&self, index: usize) -> Result<Option<i64>> {
        column!(self, index, int)
    }

    pub(crate) fn uuid(&self, index: usize) -> Result<Uuid> {
        required(self.optional_uuid(index)?, index)
    }

    pub(crate) fn optional_uuid(&self, index: usize) -> Result<Option<Uuid>> {
        match self {
            Self::Sqlite(row) => match row.bytes(index) {
                Some(Some(bytes)) => Uuid::from_slice(bytes).map(Some).map_err(|_| StoreError::wrong_column(index)),
                Some(None) => Ok(None),
                None => Err(StoreError::wrong_column(index)),
            },
            Self::Postgres(row) => row.try_get(index).map_err(|error| StoreError::column(&error)),
        }
    }

    pub(crate) fn bytes(&self, index: usize) -> Result<&[u8]> {
        required(self.optional_bytes(index)?, index)
    }

    pub(crate) fn optional_bytes(&self, index: usize) -> Result<Option<&[u8]>> {
        column!(self, index, bytes)
    }

    pub(crate) fn bool(&self, index: usize) -> Result<bool> {
        match self {
            Self::Sqlite(row) => required(row.int(index).flatten(), index).map(|value| value != 0),
            Self::Postgres(row) => row.try_get(index).map_err(|error| StoreError::column(&error)),
        }
    }

    pub(crate) fn time(&self, index: usize) -> Result<Timestamp> {
        self.int(index).map(Timestamp::from_micros)
    }

    pub(crate) fn optional_time(&self, index: usize) -> Result<Option<Timestamp>> {
        Ok(self.optional_int(index)?.map(Timestamp::from_micros))
    }
}
