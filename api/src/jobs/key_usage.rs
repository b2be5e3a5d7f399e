//! The job that writes the last use of API keys.

use crate::state::App;
use crate::store::api_clients;

/// Writes the time at which each API key was last used.
pub async fn note_key_usage(app: &App) {
    let used = app.tenants.take_used();
    if used.is_empty() {
        return;
    }
    let written: sqlx::Result<()> = async {
        let mut conn = app.db.begin().await?;
        for ((organization_id, id), at) in used {
            api_clients::touch_key(&mut conn, organization_id, id, at).await?;
        }
        conn.commit().await
    }
    .await;
    if let Err(error) = written {
        tracing::warn!(%error, "the last use of API keys could not be written");
    }
}
