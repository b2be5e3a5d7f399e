//! The command that serves the API, including the first start with demo data.

use std::net::SocketAddr;

use clap::Args;
use milepost_domain::access::Scope;
use milepost_domain::values::text::Name;

use super::{Failure, demo, print};
use crate::clock::Clock;
use crate::config::Settings;
use crate::database::{lock_data_directory, open_database};
use crate::provisioning::create_key;
use crate::serve::{bind, wire};
use crate::store::organizations;

/// Options of the server command.
#[derive(Debug, Args)]
pub struct Serve {
    #[command(flatten)]
    #[expect(missing_docs, reason = "documented by its type")]
    pub settings: Settings,
    /// On the first start, create an organization with an admin key, load the demo plans and print example commands.
    #[arg(long, env = "MILEPOST_DEMO")]
    pub demo: bool,
}

/// Serves until a stop signal arrives.
pub async fn run(serve: Serve) -> Result<(), Failure> {
    let clock = Clock::system();
    let _lock = lock_data_directory(&serve.settings.storage)?;
    let db = open_database(&serve.settings.storage).await?;
    let is_first_start = organizations::ids(&mut db.read().await?).await?.is_empty();
    let app = wire(serve.settings, db.clone(), clock.clone()).await?;
    let running = bind(app)?;
    let address = running.address;
    print(&format!("Listening on http://{address}\n"))?;
    if serve.demo && is_first_start {
        let name = Name::parse("Demo").map_err(Failure::new)?;
        let key = create_key(&db, &clock, &name, &[Scope::Admin]).await?.secret.unwrap_or_default();
        print(&format!("\nAdmin API key of the organization 'Demo' (shown only now):\n{key}\n\n"))?;
        tokio::spawn(async move {
            let url = format!("http://{address}");
            let outcome = async {
                let mut loaded = demo::import(&url, &key).await?;
                demo::enrol_contributors(&url, &key, &mut loaded).await?;
                Ok::<_, Failure>(loaded)
            };
            let told = match outcome.await {
                Ok(loaded) => hints(address, &key, &loaded),
                Err(error) => format!("The demo plans could not be loaded: {error}\n"),
            };
            if let Err(error) = print(&told) {
                tracing::warn!(%error, "the output could not be written");
            }
        });
    }
    Ok(running.until_stopped().await?)
}

/// Returns example commands to paste into a shell.
fn hints(address: SocketAddr, key: &str, loaded: &demo::Loaded) -> String {
    let contributor = loaded.contributor_plan_id.as_deref().unwrap_or("PLAN_ID");
    let plan = loaded.example_plan_id.as_deref().unwrap_or("PLAN_ID");
    format!(
        "\nLoaded {} plans with {} milestones, {} usage events and {} enrolments. Try:\n\n  \
         export MILEPOST_KEY={key}\n  \
         curl -s -H \"Authorization: Bearer $MILEPOST_KEY\" 'http://{address}/v1/reports/spi?as_of=2020-07-01&kind=delivery'\n  \
         curl -s -H \"Authorization: Bearer $MILEPOST_KEY\" 'http://{address}/v1/plans/{plan}/earned-value?as_of=2020-07-01'\n  \
         curl -s -H \"Authorization: Bearer $MILEPOST_KEY\" -H 'Accept: text/csv' 'http://{address}/v1/reports/spi?as_of=2020-07-01&kind=delivery'\n  \
         curl -s -H \"Authorization: Bearer $MILEPOST_KEY\" 'http://{address}/v1/plans/{contributor}/proofs'\n  \
         curl -s -H \"Authorization: Bearer $MILEPOST_KEY\" 'http://{address}/v1/badges/hundred-contributions/picture.svg' > hundred-contributions.svg\n\n\
         Documentation of all operations: http://{address}/docs\n",
        loaded.plans, loaded.milestones, loaded.events, loaded.enrolments
    )
}
