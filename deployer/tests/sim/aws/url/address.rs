//! The stage of a visit, and the path below it.

use super::super::apigateway::{ApiGateway, is_local_visit};
use super::super::wire::Request;

/// Where a visit goes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Address {
    pub(super) api: String,
    pub(super) stage: String,
    /// What the routes are looked up by: below the stage or the domain's base path, beginning with a slash.
    pub(super) route: String,
    /// `path` of the event: on a custom domain it has the base path too.
    pub(super) path: String,
    /// `requestContext.path`: with the stage, or the base path.
    pub(super) whole: String,
    /// Whether it came by the API's own host, and not by a custom domain.
    pub(super) is_default: bool,
}

impl Address {
    /// Takes apart `/restapis/API/STAGE/_user_request_/PATH`, `API.execute-api.REGION.amazonaws.com/STAGE/PATH`, or a
    /// path of a custom domain. `None` if it leads nowhere.
    pub(super) fn of(gateway: &ApiGateway, request: &Request) -> Option<Self> {
        if is_local_visit(request) {
            let (address, path) = request.path.strip_prefix("/restapis/")?.split_once("/_user_request_")?;
            let (api, stage) = address.split_once('/')?;
            return Some(Self::of_stage(api, stage, path));
        }
        if let Some((api, rest)) = request.host.split_once(".execute-api.") {
            // Of another region's, or another partition's, nothing is known here.
            if !rest.starts_with(&format!("{}.amazonaws.com", gateway.region)) {
                return None;
            }
            let path = request.path.trim_start_matches('/');
            let (stage, _) = path.split_once('/').unwrap_or((path, ""));
            return Some(Self::of_stage(api, stage, &path[stage.len()..]));
        }
        Self::of_domain(gateway, request)
    }

    /// Slashes before the first part of the path are seen as one, but for the whole path, which keeps them.
    fn of_stage(api: &str, stage: &str, path: &str) -> Self {
        let below = format!("/{}", path.trim_start_matches('/'));
        Self {
            api: api.to_owned(),
            stage: stage.to_owned(),
            route: below.clone(),
            path: below,
            whole: format!("/{stage}{}", if path.is_empty() { "/" } else { path }),
            is_default: true,
        }
    }

    fn of_domain(gateway: &ApiGateway, request: &Request) -> Option<Self> {
        let path = request.path.trim_start_matches('/');
        let below = |base: &str| match path.strip_prefix(base) {
            Some(rest) if base.is_empty() || rest.is_empty() || rest.starts_with('/') => Some(rest),
            _ => None,
        };
        let mappings = gateway.domains.get(&request.host)?.iter();
        let found = mappings.filter(|mapping| below(&mapping.base_path).is_some());
        let mapping = found.max_by_key(|mapping| mapping.base_path.len())?;
        let route = format!("/{}", below(&mapping.base_path)?.trim_start_matches('/'));
        Some(Self {
            api: mapping.api.clone(),
            stage: mapping.stage.clone(),
            route,
            path: format!("/{path}"),
            whole: format!("/{path}"),
            is_default: false,
        })
    }
}
