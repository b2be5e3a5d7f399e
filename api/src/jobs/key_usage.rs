//! The job that writes the last use of API keys.

use crate::error::ApiError;
use crate::state::App;
use crate::store::api_clients;

/// Writes the time at which each API key was last used.
pub async fn note_key_usage(app: &App) -> Result<(), ApiError> {
    let used = app.tenants.take_used();
    if used.is_empty() {
        return Ok(());
    }
    let mut conn = app.db.begin().await?;
    for ((organization_id, id), at) in used {
        api_clients::touch_key(&mut conn, organization_id, id, at).await?;
    }
    Ok(conn.commit().await?)
}
