//! Rows of hand-written queries: joins, aggregates and what is more than one row of one table. Columns are found by name.
//!
//! sqlx has a derive for this, but its procedural macros bring both database drivers, TLS and SQLite's C code along, built a
//! second time for the compiler's own use.

/// Reads a type from a row of either engine. `field = "column"` names a column that is no identifier, `field as Type` converts from
/// what the column holds, `field flatten` is a type that is read from the same row.
macro_rules! from_row {
    ($type:ident { $($fields:tt)+ }) => {
        from_row!(@of sqlx::sqlite::SqliteRow, $type { $($fields)+ });
        from_row!(@of sqlx::postgres::PgRow, $type { $($fields)+ });
    };
    (@of $row:ty, $type:ident { $($field:ident $(= $name:literal)? $(as $via:ty)? $(; $flatten:ident)?),+ $(,)? }) => {
        impl<'r> sqlx::FromRow<'r, $row> for $type {
            fn from_row(row: &'r $row) -> sqlx::Result<Self> {
                Ok(Self { $($field: from_row!(@field row, $field $(= $name)? $(as $via)? $(; $flatten)?)),+ })
            }
        }
    };
    (@field $row:ident, $field:ident) => {
        sqlx::Row::try_get($row, stringify!($field))?
    };
    (@field $row:ident, $field:ident = $name:literal) => {
        sqlx::Row::try_get($row, $name)?
    };
    (@field $row:ident, $field:ident as $via:ty) => {{
        let stored: $via = sqlx::Row::try_get($row, stringify!($field))?;
        stored.try_into().map_err(|error| sqlx::Error::ColumnDecode {
            index: stringify!($field).to_owned(),
            source: Box::<dyn std::error::Error + Send + Sync>::from(error),
        })?
    }};
    (@field $row:ident, $field:ident ; flatten) => {
        sqlx::FromRow::from_row($row)?
    };
}
pub(crate) use from_row;
