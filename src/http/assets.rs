//! Style and script, served from the binary under names that carry their digest, so that they can be cached for ever.

use super::problem::{Code, Problem};
use crate::domain::envelope::hex;
use actix_web::http::header::{CACHE_CONTROL, CONTENT_TYPE};
use actix_web::{HttpResponse, web};
use sha2::{Digest as _, Sha256};
use std::sync::LazyLock;

/// A file below `/assets/`.
#[derive(Debug)]
pub(super) struct Asset {
    /// Path with digest.
    pub(super) path: String,
    media_type: &'static str,
    body: &'static [u8],
}

/// The style sheet.
pub(super) static STYLE: LazyLock<Asset> =
    LazyLock::new(|| asset("board", "css", "text/css; charset=utf-8", include_bytes!("../../assets/board.css")));

/// The script: live updates; every page works without it.
pub(super) static SCRIPT: LazyLock<Asset> =
    LazyLock::new(|| asset("board", "js", "text/javascript; charset=utf-8", include_bytes!("../../assets/board.js")));

/// The style of what everybody may look at: small, for a telephone in a shopping centre.
pub(super) static SHOP_STYLE: LazyLock<Asset> =
    LazyLock::new(|| asset("shop", "css", "text/css; charset=utf-8", include_bytes!("../../assets/shop.css")));

/// The icon.
pub(super) static ICON: LazyLock<Asset> =
    LazyLock::new(|| asset("icon", "svg", "image/svg+xml", include_bytes!("../../assets/icon.svg")));

fn asset(name: &str, extension: &str, media_type: &'static str, body: &'static [u8]) -> Asset {
    let digest: String = hex(&Sha256::digest(body)).chars().take(12).collect();
    Asset { path: format!("/assets/{name}.{digest}.{extension}"), media_type, body }
}

/// Serves an asset.
pub(super) async fn get(name: web::Path<String>) -> Result<HttpResponse, Problem> {
    let path = format!("/assets/{name}");
    let asset =
        [&STYLE, &SHOP_STYLE, &SCRIPT, &ICON].into_iter().find(|asset| asset.path == path).ok_or(Code::NotFound)?;
    Ok(HttpResponse::Ok()
        .insert_header((CONTENT_TYPE, asset.media_type))
        .insert_header((CACHE_CONTROL, "public, max-age=31536000, immutable"))
        .body(asset.body))
}
