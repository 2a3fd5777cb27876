//! The network through which functions in a VPC reach databases and AWS. Every change takes effect at once.

use super::Part::{Aid, Grant, InPath, Record};
use super::When::{AllowsLess, Changes, Created, Loses, TurnsOff};
use super::{Row, UNUSED, cut, loss, of, warning};

const CONNECTIONS: &str = "connections that it allows are dropped";
const NO_WAY: &str = "functions in its subnets lose their route";
const RULE_FIRST: &str = "add a second rule beside it, apply, then remove the old one with `--retired`";
const NO_AWS: &str = "functions no longer reach the service";

pub(super) const ROWS: &[Row] = &[
    of(
        "aws_vpc",
        InPath,
        "everything in it is deleted with it",
        &[
            cut("enable_dns_support", TurnsOff, "functions cannot resolve the names of databases or of AWS", {
                "leave it on: nothing in the VPC works by name without it"
            }),
            loss("enable_dns_hostnames", TurnsOff, "endpoints can no longer be resolved by name", UNUSED),
        ],
    ),
    of("aws_subnet", InPath, "functions and databases in it lose their network", &[]),
    of(
        "aws_security_group",
        InPath,
        "what is in it loses its connections",
        &[loss("ingress", Loses, CONNECTIONS, UNUSED), loss("egress", Loses, CONNECTIONS, UNUSED)],
    ),
    of(
        "aws_default_security_group",
        Record,
        "nothing: AWS keeps the group",
        &[
            loss("ingress", Loses, CONNECTIONS, UNUSED),
            loss("egress", Loses, CONNECTIONS, UNUSED),
            warning("vpc_id", Created, "rules of the VPC's default group that it does not name are removed"),
        ],
    ),
    of(
        "aws_vpc_security_group_ingress_rule",
        Grant,
        CONNECTIONS,
        &[
            cut("cidr_ipv4", Changes, CONNECTIONS, RULE_FIRST),
            cut("cidr_ipv6", Changes, CONNECTIONS, RULE_FIRST),
            cut("prefix_list_id", Changes, CONNECTIONS, RULE_FIRST),
            cut("referenced_security_group_id", Changes, CONNECTIONS, RULE_FIRST),
            cut("from_port", Changes, CONNECTIONS, RULE_FIRST),
            cut("to_port", Changes, CONNECTIONS, RULE_FIRST),
            cut("ip_protocol", Changes, CONNECTIONS, RULE_FIRST),
        ],
    ),
    of(
        "aws_vpc_security_group_egress_rule",
        Grant,
        CONNECTIONS,
        &[
            cut("cidr_ipv4", Changes, CONNECTIONS, RULE_FIRST),
            cut("cidr_ipv6", Changes, CONNECTIONS, RULE_FIRST),
            cut("prefix_list_id", Changes, CONNECTIONS, RULE_FIRST),
            cut("referenced_security_group_id", Changes, CONNECTIONS, RULE_FIRST),
            cut("from_port", Changes, CONNECTIONS, RULE_FIRST),
            cut("to_port", Changes, CONNECTIONS, RULE_FIRST),
            cut("ip_protocol", Changes, CONNECTIONS, RULE_FIRST),
        ],
    ),
    of(
        "aws_security_group_rule",
        Grant,
        CONNECTIONS,
        &[
            loss("cidr_blocks", Loses, CONNECTIONS, UNUSED),
            loss("ipv6_cidr_blocks", Loses, CONNECTIONS, UNUSED),
            loss("prefix_list_ids", Loses, CONNECTIONS, UNUSED),
        ],
    ),
    of(
        "aws_network_acl",
        InPath,
        "the VPC's default rules apply to its subnets",
        &[
            loss("ingress", Loses, CONNECTIONS, UNUSED),
            loss("egress", Loses, CONNECTIONS, UNUSED),
            warning("subnet_ids", Changes, "other rules apply to the subnets at once"),
        ],
    ),
    of(
        "aws_default_network_acl",
        Record,
        "nothing: AWS keeps it",
        &[
            loss("ingress", Loses, CONNECTIONS, UNUSED),
            loss("egress", Loses, CONNECTIONS, UNUSED),
            warning(
                "default_network_acl_id",
                Created,
                "rules of the VPC's default ACL that it does not name are removed",
            ),
        ],
    ),
    of(
        "aws_network_acl_rule",
        Grant,
        CONNECTIONS,
        &[warning("rule_action", Created, "it takes effect at once, before every rule with a higher number")],
    ),
    of("aws_network_acl_association", Grant, "the VPC's default rules apply to the subnet", &[]),
    of("aws_route_table", InPath, NO_WAY, &[loss("route", Loses, NO_WAY, UNUSED)]),
    of(
        "aws_default_route_table",
        Record,
        "nothing: AWS keeps the table",
        &[
            loss("route", Loses, NO_WAY, UNUSED),
            warning(
                "default_route_table_id",
                Created,
                "routes of the VPC's main table that it does not name are removed",
            ),
        ],
    ),
    of(
        "aws_route",
        Grant,
        NO_WAY,
        &[
            warning("nat_gateway_id", Changes, "connections break once"),
            warning("gateway_id", Changes, "connections break once"),
        ],
    ),
    of(
        "aws_route_table_association",
        Grant,
        "the subnet takes the VPC's main table",
        &[warning("route_table_id", Changes, "the subnet's connections take another route at once")],
    ),
    of("aws_main_route_table_association", Grant, "the VPC takes its first table", &[]),
    of("aws_nat_gateway", InPath, "functions in its subnets reach nothing outside", &[]),
    of("aws_internet_gateway", InPath, "nothing in the VPC reaches anything outside", &[]),
    of("aws_internet_gateway_attachment", InPath, "nothing in the VPC reaches anything outside", &[]),
    of("aws_egress_only_internet_gateway", InPath, "nothing in the VPC reaches anything outside by IPv6", &[]),
    of("aws_eip", InPath, "the address is lost: servers that allow only this address refuse the functions", &[]),
    of(
        "aws_vpc_endpoint",
        InPath,
        NO_AWS,
        &[
            loss("subnet_ids", Loses, NO_AWS, UNUSED),
            loss("route_table_ids", Loses, NO_AWS, UNUSED),
            loss("security_group_ids", Loses, NO_AWS, UNUSED),
            loss("private_dns_enabled", TurnsOff, NO_AWS, UNUSED),
            loss("policy", AllowsLess, "requests that it allowed are refused", UNUSED),
        ],
    ),
    of(
        "aws_vpc_endpoint_policy",
        Grant,
        NO_AWS,
        &[loss("policy", AllowsLess, "requests that it allowed are refused", UNUSED)],
    ),
    of("aws_vpc_endpoint_route_table_association", Grant, NO_AWS, &[]),
    of("aws_vpc_endpoint_subnet_association", Grant, NO_AWS, &[]),
    of("aws_vpc_endpoint_security_group_association", Grant, NO_AWS, &[]),
    of("aws_vpc_endpoint_private_dns", Aid, NO_AWS, &[]),
    of("aws_vpc_peering_connection", InPath, NO_WAY, &[]),
    of("aws_vpc_dhcp_options_association", Grant, "names are resolved by AWS's own servers", &[]),
    of(
        "aws_lb",
        InPath,
        "its address no longer responds, and a new one has another address",
        &[
            loss("security_groups", Loses, CONNECTIONS, UNUSED),
            loss("subnets", Loses, "it can no longer be reached in the zone", UNUSED),
        ],
    ),
    of(
        "aws_lb_listener",
        InPath,
        "its port no longer responds",
        &[
            warning("default_action", Changes, "its requests go elsewhere at once"),
            cut("port", Changes, "the old port no longer responds", RULE_FIRST),
        ],
    ),
    of(
        "aws_lb_listener_rule",
        Grant,
        "its requests match the next rule",
        &[
            warning("action", Changes, "its requests go elsewhere at once"),
            loss("condition", Loses, "it matches other requests", UNUSED),
        ],
    ),
    of("aws_lb_target_group", InPath, "requests for it get 503", &[]),
    of("aws_lb_target_group_attachment", Grant, "requests for its target get 503", &[]),
];
