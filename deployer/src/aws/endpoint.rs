//! Where the services without an SDK here respond, and the region that a request to them is signed for.
//!
//! The partition's domain, and whether it has FIPS and dual-stack endpoints, is the Lambda SDK's to decide: no table of partitions is
//! kept here. The rest are the rules of AWS's own SDKs (`endpoint-rule-set-1.json` of each service in botocore).

use aws_config::{Region, SdkConfig};
use aws_sdk_lambda::config::endpoint::{DefaultResolver, Params, ResolveEndpoint as _};
use aws_smithy_runtime_api::box_error::BoxError;
use aws_types::service_config::ServiceConfigKey;

use super::request::Service;

/// Where a service responds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Place {
    /// Scheme and host, without a slash at the end.
    pub(super) url: String,
    /// The region of the signature.
    pub(super) region: Region,
}

/// The endpoint of a service with these settings: of the user's own, or of AWS.
pub(super) async fn place(service: Service, shared: &SdkConfig) -> Result<Place, BoxError> {
    let region = shared.region().cloned().unwrap_or_else(|| Region::from_static(""));
    let own = own(service, shared);
    let found = params(shared, shared.use_dual_stack()).region(region.to_string()).set_endpoint(own.clone());
    let found = DefaultResolver::new().resolve_endpoint(&found.build()?).await?;
    if own.is_some() {
        return Ok(Place { url: found.url().trim_end_matches('/').to_owned(), region });
    }
    let at =
        Host { region: region.as_ref(), fips: shared.use_fips() == Some(true), suffix: suffix(found.url(), &region) };
    let dual_stack = shared.use_dual_stack() == Some(true);
    match service {
        Service::Iam => Ok(iam(&at)),
        Service::S3 if at.fips && at.suffix.ends_with(".cn") => Err("Partition does not support FIPS".into()),
        // S3's dual-stack hosts are in the domain of the others.
        Service::S3 if dual_stack => {
            let plain = params(shared, Some(false)).region(region.to_string()).build()?;
            let plain = DefaultResolver::new().resolve_endpoint(&plain).await?;
            let at = Host { suffix: suffix(plain.url(), &region), ..at };
            Ok(Place { url: at.url("s3", ".dualstack"), region })
        }
        _ => Ok(Place { url: at.url(service.host(), ""), region }),
    }
}

fn params(shared: &SdkConfig, dual_stack: Option<bool>) -> aws_sdk_lambda::config::endpoint::ParamsBuilder {
    Params::builder().set_use_fips(shared.use_fips()).set_use_dual_stack(dual_stack)
}

/// The address in `AWS_ENDPOINT_URL_…`, the profile's section of this service, or of all services.
fn own(service: Service, shared: &SdkConfig) -> Option<String> {
    let for_all = shared.endpoint_url().map(str::to_owned);
    if shared.get_origin("endpoint_url").is_client_config() {
        return for_all;
    }
    let key = ServiceConfigKey::builder().service_id(service.id()).env("AWS_ENDPOINT_URL").profile("endpoint_url");
    let of_service = shared.service_config().zip(key.build().ok()).and_then(|(config, key)| config.load_config(key));
    of_service.or(for_all)
}

/// The domain of a partition, out of Lambda's endpoint there: `https://lambda.REGION.DOMAIN`.
fn suffix(of_lambda: &str, region: &Region) -> String {
    let host = of_lambda.split_once("://").map_or(of_lambda, |(_, host)| host);
    let after = host.split_once(&format!(".{region}.")).map_or("amazonaws.com", |(_, after)| after);
    after.trim_end_matches('/').to_owned()
}

/// What a host name of AWS is made of.
struct Host<'a> {
    region: &'a str,
    fips: bool,
    suffix: String,
}

impl Host<'_> {
    fn url(&self, name: &str, after: &str) -> String {
        let Self { region, suffix, .. } = self;
        // In these regions the endpoint without the suffix is validated already.
        let validated = region.starts_with("us-gov-")
            && match name {
                "logs" => suffix == "amazonaws.com",
                name => name == "monitoring",
            };
        let fips = if self.fips && !validated { "-fips" } else { "" };
        format!("https://{name}{fips}{after}.{region}.{suffix}")
    }
}

/// IAM's endpoints. Each partition has one, in one of its regions: domain of the partition, host, host with FIPS, region.
const IAM: [[&str; 4]; 14] = [
    ["amazonaws.com", "iam.amazonaws.com", "iam-fips.amazonaws.com", "us-east-1"],
    ["api.aws", "iam.global.api.aws", "iam-fips.global.api.aws", "us-east-1"],
    ["amazonaws.com.cn", "iam.cn-north-1.amazonaws.com.cn", "iam-fips.amazonaws.com.cn", "cn-north-1"],
    [
        "api.amazonwebservices.com.cn",
        "iam.global.api.amazonwebservices.com.cn",
        "iam-fips.api.amazonwebservices.com.cn",
        "cn-north-1",
    ],
    ["amazonaws.eu", "iam.eusc-de-east-1.amazonaws.eu", "iam-fips.amazonaws.eu", "eusc-de-east-1"],
    [
        "api.amazonwebservices.eu",
        "iam.global.api.amazonwebservices.eu",
        "iam-fips.api.amazonwebservices.eu",
        "eusc-de-east-1",
    ],
    ["c2s.ic.gov", "iam.us-iso-east-1.c2s.ic.gov", "iam-fips.us-iso-east-1.c2s.ic.gov", "us-iso-east-1"],
    ["api.aws.ic.gov", "iam.api.aws.ic.gov", "iam-fips.api.aws.ic.gov", "us-iso-east-1"],
    ["sc2s.sgov.gov", "iam.us-isob-east-1.sc2s.sgov.gov", "iam-fips.us-isob-east-1.sc2s.sgov.gov", "us-isob-east-1"],
    ["api.aws.scloud", "iam.api.aws.scloud", "iam-fips.api.aws.scloud", "us-isob-east-1"],
    ["cloud.adc-e.uk", "iam.eu-isoe-west-1.cloud.adc-e.uk", "iam-fips.cloud.adc-e.uk", "eu-isoe-west-1"],
    ["api.cloud-aws.adc-e.uk", "iam.api.cloud-aws.adc-e.uk", "iam-fips.api.cloud-aws.adc-e.uk", "eu-isoe-west-1"],
    ["csp.hci.ic.gov", "iam.us-isof-south-1.csp.hci.ic.gov", "iam-fips.csp.hci.ic.gov", "us-isof-south-1"],
    ["api.aws.hci.ic.gov", "iam.api.aws.hci.ic.gov", "iam-fips.api.aws.hci.ic.gov", "us-isof-south-1"],
];

fn iam(at: &Host<'_>) -> Place {
    let known = IAM.iter().find(|[domain, ..]| *domain == at.suffix);
    let (host, region) = match (at.suffix.as_str(), known) {
        // GovCloud shares its domains with the other regions, and its only endpoint is validated.
        (domain @ ("amazonaws.com" | "api.aws"), _) if at.region.starts_with("us-gov-") => {
            (format!("iam.us-gov.{domain}"), Region::from_static("us-gov-west-1"))
        }
        (_, Some([_, host, fips, region])) => {
            ((if at.fips { *fips } else { *host }).to_owned(), Region::from_static(region))
        }
        (domain, None) => (format!("iam.{domain}"), Region::new(at.region.to_owned())),
    };
    Place { url: format!("https://{host}"), region }
}

/// The address of a bucket and the path of its objects: a host of its own where that is possible. A certificate has no name with
/// another dot, and an IP address has no names below it.
pub(super) fn of_bucket(place: &Place, bucket: &str, by_path: bool) -> (Place, String) {
    let Some((scheme, host)) = place.url.split_once("://") else { return (place.clone(), format!("/{bucket}")) };
    let is_address = host.split([':', '/']).next().is_some_and(|name| name.parse::<std::net::Ipv4Addr>().is_ok())
        || host.starts_with('[');
    let has_host = !by_path && !is_address && is_host_label(bucket, scheme == "http");
    match has_host {
        true => (Place { url: format!("{scheme}://{bucket}.{host}"), region: place.region.clone() }, String::new()),
        false => (place.clone(), format!("/{bucket}")),
    }
}

fn is_host_label(bucket: &str, allows_dots: bool) -> bool {
    let is_label = |label: &str| {
        let letters = label.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-');
        letters && !label.is_empty() && !label.starts_with('-') && !label.ends_with('-')
    };
    let labels = || bucket.split('.');
    (3..=63).contains(&bucket.len())
        && (allows_dots || !bucket.contains('.'))
        && labels().all(is_label)
        && bucket.parse::<std::net::Ipv4Addr>().is_err()
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn of(service: Service, region: &str, [fips, dual_stack]: [bool; 2]) -> String {
        let shared = SdkConfig::builder().region(Region::new(region.to_owned()));
        match place(service, &shared.use_fips(fips).use_dual_stack(dual_stack).build()).await {
            Ok(place) => format!("{} {}", place.url, place.region),
            Err(error) => error.to_string(),
        }
    }

    /// As botocore's rules of the services have it.
    #[tokio::test]
    async fn each_partition_has_its_endpoints() {
        const PLAIN: [bool; 2] = [false, false];
        for (service, region, settings, expected) in [
            (Service::Iam, "eu-west-1", PLAIN, "https://iam.amazonaws.com us-east-1"),
            (Service::Iam, "cn-northwest-1", PLAIN, "https://iam.cn-north-1.amazonaws.com.cn cn-north-1"),
            (Service::Iam, "us-gov-east-1", [true, false], "https://iam.us-gov.amazonaws.com us-gov-west-1"),
            (Service::Iam, "eu-west-1", [true, true], "https://iam-fips.global.api.aws us-east-1"),
            (Service::Logs, "eu-west-1", PLAIN, "https://logs.eu-west-1.amazonaws.com eu-west-1"),
            (Service::Logs, "us-gov-west-1", [true, false], "https://logs.us-gov-west-1.amazonaws.com us-gov-west-1"),
            (Service::Logs, "us-east-2", [true, true], "https://logs-fips.us-east-2.api.aws us-east-2"),
            (Service::CloudWatch, "cn-north-1", PLAIN, "https://monitoring.cn-north-1.amazonaws.com.cn cn-north-1"),
            (
                Service::HttpApis,
                "us-east-1",
                [true, false],
                "https://apigateway-fips.us-east-1.amazonaws.com us-east-1",
            ),
            (Service::S3, "eu-west-1", PLAIN, "https://s3.eu-west-1.amazonaws.com eu-west-1"),
            (Service::S3, "eu-west-1", [false, true], "https://s3.dualstack.eu-west-1.amazonaws.com eu-west-1"),
            (Service::S3, "us-east-1", [true, true], "https://s3-fips.dualstack.us-east-1.amazonaws.com us-east-1"),
        ] {
            assert_eq!(of(service, region, settings).await, expected);
        }
    }

    #[tokio::test]
    async fn the_users_own_endpoint_goes_first_and_has_no_fips() {
        let own = SdkConfig::builder().region(Region::new("eu-west-1")).endpoint_url("http://127.0.0.1:4566/").build();
        let found = place(Service::Iam, &own).await.unwrap();
        assert_eq!(found, Place { url: "http://127.0.0.1:4566".to_owned(), region: Region::new("eu-west-1") });
        let error = place(Service::Iam, &own.into_builder().use_fips(true).build()).await.unwrap_err().to_string();
        assert_eq!(error, "Invalid Configuration: FIPS and custom endpoint are not supported");
    }

    #[test]
    fn a_bucket_has_a_host_of_its_own_where_that_is_possible() {
        let of = |url: &str, bucket, by_path| {
            let place = Place { url: url.to_owned(), region: Region::new("eu-west-1") };
            let (place, path) = of_bucket(&place, bucket, by_path);
            place.url + &path
        };
        let aws = "https://s3.eu-west-1.amazonaws.com";
        assert_eq!(of(aws, "shop-zips", false), "https://shop-zips.s3.eu-west-1.amazonaws.com");
        for bucket in ["shop.zips", "Shop", "shop_zips", "ab", "shop-"] {
            assert_eq!(of(aws, bucket, false), format!("{aws}/{bucket}"));
        }
        assert_eq!(of("http://s3.test:9000", "shop.zips", false), "http://shop.zips.s3.test:9000");
        assert_eq!(of("http://s3.test:9000", "shop", true), "http://s3.test:9000/shop");
        assert_eq!(of("http://127.0.0.1:4566", "shop", false), "http://127.0.0.1:4566/shop");
        assert_eq!(of("http://[::1]:4566", "shop", false), "http://[::1]:4566/shop");
    }
}
