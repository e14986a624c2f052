//! The database's tables and their history, for both kinds of database.
//!
//! The files of `migrations/` are compiled in. Every function is safe to repeat and to run by
//! several processes at once: PostgreSQL by an advisory lock, SQLite by repeating what another
//! process got to first.

use std::borrow::Cow;
use std::time::Duration;

use sqlx::migrate::{Migrate, MigrateError as Failure, Migration, MigrationType, Migrator};
use sqlx::{ConnectOptions as _, Connection as _};

use super::open::Address;
use super::{BoxError, postgres, sqlite};

macro_rules! files {
    ($kind:literal: $($version:literal $name:literal),* $(,)?) => {
        [$((
            $version,
            $name,
            include_str!(concat!(
                "../../../../migrations/", $kind, "/", "000", $version, "_", $name, ".up.sql"
            )),
            include_str!(concat!(
                "../../../../migrations/", $kind, "/", "000", $version, "_", $name, ".down.sql"
            )),
        )),*]
    };
}

type File = (i64, &'static str, &'static str, &'static str);

const POSTGRES: [File; 3] = files!("postgres": 1 "cluster", 2 "sessions", 3 "service");
const SQLITE: [File; 3] = files!("sqlite": 1 "cluster", 2 "sessions", 3 "service");

/// Times that a migration of SQLite is repeated after another process was at it.
const SQLITE_TRIES: u32 = 20;
/// Pause between them.
const SQLITE_PAUSE: Duration = Duration::from_millis(50);

/// What became of one migration.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum State {
    /// In the database as it is here.
    Applied,
    /// Not yet in the database.
    Pending,
    /// In the database with other text than here.
    Changed,
    /// In the database and not known to this release.
    Unknown,
}

/// One migration and its state.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct MigrationStatus {
    /// Its number.
    pub version: i64,
    /// Its name; empty when this release does not know it.
    pub name: &'static str,
    /// What became of it.
    pub state: State,
}

/// Why a database could not be migrated or is not as it should be.
#[derive(Debug, thiserror::Error)]
pub enum MigrateError {
    /// The URL names no database of a known kind.
    #[error("journal.url is no postgres:// or sqlite: URL")]
    BadUrl(#[source] Option<BoxError>),
    /// No answer: try again.
    #[error("database is unavailable")]
    Unavailable(#[source] BoxError),
    /// A migration did not run through; nothing of it is in the database.
    #[error("migration failed")]
    Failed(#[source] BoxError),
    /// The database is not as this release wants it.
    #[error("migration {version} is {state:?}")]
    Differs {
        /// The first that differs.
        version: i64,
        /// How.
        state: State,
    },
    /// Only a number of 0 up to the last migration's can be gone back to.
    #[error("there is no migration {0}")]
    NoSuchVersion(i64),
}

/// Creates PostgreSQL's database where it is missing.
pub async fn create_database(address: &Address) -> Result<(), MigrateError> {
    postgres::create_database(address).await
}

/// Applies what is missing.
pub async fn up(address: &Address) -> Result<(), MigrateError> {
    let migrator = migrator(files(address)?);
    if address.is_postgres() {
        let mut connection = postgres::migration_connection(address).await?;
        migrator.run_direct(&mut connection).await.map_err(classify)?;
        return connection.close().await.map_err(unavailable);
    }
    let mut tries = 1;
    loop {
        match sqlite_up(address, &migrator).await {
            // Another process may be making the file, or have applied the same migration between
            // look and write: neither waits for a lock.
            Err(MigrateError::Unavailable(_) | MigrateError::Failed(_)) if tries < SQLITE_TRIES => {
                tries += 1;
                tokio::time::sleep(SQLITE_PAUSE).await;
            }
            done => return done,
        }
    }
}

async fn sqlite_up(address: &Address, migrator: &Migrator) -> Result<(), MigrateError> {
    let mut connection = sqlite_connection(address).await?;
    migrator.run_direct(&mut connection).await.map_err(classify)?;
    connection.close().await.map_err(unavailable)
}

/// Goes back to a migration, 0: to an empty database. What was in the dropped tables is lost.
pub async fn down(address: &Address, target: i64) -> Result<(), MigrateError> {
    let files = files(address)?;
    if target != 0 && files.iter().all(|(version, ..)| *version != target) {
        return Err(MigrateError::NoSuchVersion(target));
    }
    let migrator = migrator(files);
    if address.is_postgres() {
        let mut connection = postgres::migration_connection(address).await?;
        migrator.undo(&mut connection, target).await.map_err(classify)?;
        connection.close().await.map_err(unavailable)
    } else {
        let mut connection = sqlite_connection(address).await?;
        migrator.undo(&mut connection, target).await.map_err(classify)?;
        connection.close().await.map_err(unavailable)
    }
}

/// Every migration known here or there, ascending.
pub async fn status(address: &Address) -> Result<Vec<MigrationStatus>, MigrateError> {
    let files = files(address)?;
    let applied = if address.is_postgres() {
        let mut connection = postgres::migration_connection(address).await?;
        let applied = applied(&mut connection).await?;
        connection.close().await.map_err(unavailable)?;
        applied
    } else {
        let mut connection = sqlite_connection(address).await?;
        let applied = applied(&mut connection).await?;
        connection.close().await.map_err(unavailable)?;
        applied
    };
    Ok(compare(files, &applied))
}

/// Refuses a database that has not exactly the migrations of this release.
pub async fn verify(address: &Address) -> Result<(), MigrateError> {
    let status = status(address).await?;
    match status.into_iter().find(|migration| migration.state != State::Applied) {
        Some(MigrationStatus { version, state, .. }) => {
            Err(MigrateError::Differs { version, state })
        }
        None => Ok(()),
    }
}

/// The first migration of this release that is not among the applied ones. Later releases' are
/// fine: two releases run side by side during a rolling update.
pub(super) fn first_missing(applied: &[i64]) -> Option<i64> {
    POSTGRES.iter().map(|(version, ..)| *version).find(|version| !applied.contains(version))
}

async fn applied<C: Migrate>(connection: &mut C) -> Result<Vec<(i64, Vec<u8>)>, MigrateError> {
    connection.ensure_migrations_table().await.map_err(classify)?;
    let applied = connection.list_applied_migrations().await.map_err(classify)?;
    Ok(applied.into_iter().map(|one| (one.version, one.checksum.into_owned())).collect())
}

fn compare(files: &[File], applied: &[(i64, Vec<u8>)]) -> Vec<MigrationStatus> {
    let known = migrator(files);
    let mut status: Vec<_> = files
        .iter()
        .map(|(version, name, ..)| {
            let here = known.iter().find(|one| {
                one.version == *version && one.migration_type == MigrationType::ReversibleUp
            });
            let there = applied.iter().find(|(applied, _)| applied == version);
            let state = match (here, there) {
                (Some(here), Some((_, there))) if here.checksum.as_ref() == there.as_slice() => {
                    State::Applied
                }
                (_, Some(_)) => State::Changed,
                (_, None) => State::Pending,
            };
            MigrationStatus { version: *version, name, state }
        })
        .collect();
    let unknown = applied.iter().filter(|(version, _)| !known.version_exists(*version));
    status.extend(unknown.map(|(version, _)| MigrationStatus {
        version: *version,
        name: "",
        state: State::Unknown,
    }));
    status.sort_by_key(|migration| migration.version);
    status
}

fn files(address: &Address) -> Result<&'static [File], MigrateError> {
    if address.is_postgres() {
        Ok(&POSTGRES)
    } else if address.is_sqlite() {
        Ok(&SQLITE)
    } else {
        Err(MigrateError::BadUrl(None))
    }
}

fn migrator(files: &[File]) -> Migrator {
    let migration = |version, name: &'static str, kind, sql: &'static str| {
        Migration::new(version, Cow::Borrowed(name), kind, Cow::Borrowed(sql), false)
    };
    let migrations = files
        .iter()
        .flat_map(|(version, name, up, down)| {
            [
                migration(*version, name, MigrationType::ReversibleUp, up),
                migration(*version, name, MigrationType::ReversibleDown, down),
            ]
        })
        .collect::<Vec<_>>();
    Migrator { migrations: Cow::Owned(migrations), ..Migrator::DEFAULT }
}

async fn sqlite_connection(address: &Address) -> Result<sqlx::SqliteConnection, MigrateError> {
    let options =
        sqlite::options(&address.url).map_err(|error| MigrateError::BadUrl(Some(error.into())))?;
    if let Some(folder) = options.get_filename().parent() {
        let made = tokio::fs::create_dir_all(folder).await;
        made.map_err(|error| MigrateError::Unavailable(error.into()))?;
    }
    options.connect().await.map_err(unavailable)
}

fn unavailable(error: sqlx::Error) -> MigrateError {
    MigrateError::Unavailable(error.into())
}

fn classify(failure: Failure) -> MigrateError {
    match failure {
        Failure::VersionMissing(version) => {
            MigrateError::Differs { version, state: State::Unknown }
        }
        Failure::VersionMismatch(version) => {
            MigrateError::Differs { version, state: State::Changed }
        }
        other => MigrateError::Failed(other.into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_kinds_have_the_same_migrations() {
        let names = |files: &[File]| -> Vec<(i64, &str)> {
            files.iter().map(|(version, name, ..)| (*version, *name)).collect()
        };
        assert_eq!(names(&POSTGRES), names(&SQLITE));
    }

    #[test]
    fn every_file_says_purpose_invariants_and_size() {
        for (version, _, up, down) in POSTGRES.iter().chain(&SQLITE) {
            for word in ["-- Purpose:", "-- Invariants:", "-- Size:"] {
                assert!(up.contains(word), "{version} lacks {word}");
            }
            assert!(down.starts_with("-- Purpose:"), "{version}");
        }
    }

    #[test]
    fn a_later_release_may_have_migrated_already() {
        assert_eq!(first_missing(&[1, 2, 3, 4]), None);
        assert_eq!(first_missing(&[1]), Some(2));
        assert_eq!(first_missing(&[]), Some(1));
    }
}
