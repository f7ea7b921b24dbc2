"""Every URL of the volume service; each with and without the project before it."""

from kilonova.volume import about, attaching, quota_requests, snapshot_requests, type_requests
from kilonova.volume import volume_reads as reads
from kilonova.volume import volume_writes as writes
from kilonova.volume.jobs import Jobs
from kilonova.volume.volume_actions import VolumeActions
from kilonova.web.application import Handler, Routes, routes_of

_VOLUME = "/volumes/{volume_id}"
_SNAPSHOT = "/snapshots/{snapshot_id}"
_TYPE = "/types/{type_id}"
_ATTACHMENT = "/attachments/{attachment_id}"


def routes(jobs: Jobs) -> Routes:
    public = routes_of(
        ("GET", "/", about.choices),
        ("GET", "/v3", about.version),
        public=True,
    )
    for prefix in ("/v3", "/v3/{project_id}"):
        rows = (*_volumes(jobs), *_snapshots(jobs), *_attachments(), *_types(), *_others())
        routes_of(*((method, prefix + path, handler) for method, path, handler in rows), into=public)
    return public


def _volumes(jobs: Jobs) -> tuple[tuple[str, str, Handler], ...]:
    made = writes.VolumeWrites(jobs)
    actions = VolumeActions(jobs, made)
    return (
        ("GET", "/volumes", reads.index),
        ("POST", "/volumes", made.create),
        ("GET", "/volumes/detail", reads.detail),
        ("GET", "/volumes/summary", reads.summary),
        ("GET", _VOLUME, reads.show),
        ("PUT", _VOLUME, made.update),
        ("DELETE", _VOLUME, made.delete),
        ("POST", _VOLUME + "/action", actions.act),
        ("GET", _VOLUME + "/metadata", writes.show_metadata),
        ("POST", _VOLUME + "/metadata", writes.set_metadata),
        ("PUT", _VOLUME + "/metadata", writes.set_metadata),
        ("GET", _VOLUME + "/metadata/{key}", writes.show_metadata_item),
        ("PUT", _VOLUME + "/metadata/{key}", writes.set_metadata_item),
        ("DELETE", _VOLUME + "/metadata/{key}", writes.remove_metadata_item),
    )


def _snapshots(jobs: Jobs) -> tuple[tuple[str, str, Handler], ...]:
    made = snapshot_requests.SnapshotRequests(jobs)
    return (
        ("GET", "/snapshots", snapshot_requests.index),
        ("POST", "/snapshots", made.create),
        ("GET", "/snapshots/detail", snapshot_requests.detail),
        ("GET", _SNAPSHOT, snapshot_requests.show),
        ("PUT", _SNAPSHOT, snapshot_requests.update),
        ("DELETE", _SNAPSHOT, made.delete),
        ("POST", _SNAPSHOT + "/action", made.act),
        ("GET", _SNAPSHOT + "/metadata", snapshot_requests.show_metadata),
        ("POST", _SNAPSHOT + "/metadata", snapshot_requests.set_metadata),
        ("PUT", _SNAPSHOT + "/metadata", snapshot_requests.set_metadata),
        ("GET", _SNAPSHOT + "/metadata/{key}", snapshot_requests.show_metadata_item),
        ("PUT", _SNAPSHOT + "/metadata/{key}", snapshot_requests.set_metadata_item),
        ("DELETE", _SNAPSHOT + "/metadata/{key}", snapshot_requests.remove_metadata_item),
    )


def _attachments() -> tuple[tuple[str, str, Handler], ...]:
    return (
        ("GET", "/attachments", attaching.index),
        ("POST", "/attachments", attaching.create),
        ("GET", "/attachments/detail", attaching.detail),
        ("GET", _ATTACHMENT, attaching.show),
        ("PUT", _ATTACHMENT, attaching.update),
        ("DELETE", _ATTACHMENT, attaching.delete),
        ("POST", _ATTACHMENT + "/action", attaching.act),
    )


def _types() -> tuple[tuple[str, str, Handler], ...]:
    return (
        ("GET", "/types", type_requests.index),
        ("POST", "/types", type_requests.create),
        ("GET", _TYPE, type_requests.show),
        ("PUT", _TYPE, type_requests.update),
        ("DELETE", _TYPE, type_requests.delete),
        ("POST", _TYPE + "/action", type_requests.act),
        ("GET", _TYPE + "/os-volume-type-access", type_requests.access),
        ("GET", _TYPE + "/encryption", type_requests.encryption),
        ("GET", _TYPE + "/extra_specs", type_requests.extra_specs),
        ("POST", _TYPE + "/extra_specs", type_requests.add_extra_specs),
        ("GET", _TYPE + "/extra_specs/{key}", type_requests.show_extra_spec),
        ("PUT", _TYPE + "/extra_specs/{key}", type_requests.update_extra_spec),
        ("DELETE", _TYPE + "/extra_specs/{key}", type_requests.remove_extra_spec),
    )


def _others() -> tuple[tuple[str, str, Handler], ...]:
    return (
        ("GET", "/os-quota-sets/{target}", quota_requests.show),
        ("PUT", "/os-quota-sets/{target}", quota_requests.update),
        ("DELETE", "/os-quota-sets/{target}", quota_requests.delete),
        ("GET", "/os-quota-sets/{target}/defaults", quota_requests.defaults),
        ("GET", "/os-quota-class-sets/{name}", quota_requests.class_defaults),
        ("GET", "/limits", quota_requests.limits),
        ("GET", "/os-availability-zone", about.zones),
        ("GET", "/os-services", about.services),
        ("GET", "/scheduler-stats/get_pools", about.pools),
        ("GET", "/extensions", about.extensions),
        ("GET", "/resource_filters", about.resource_filters),
        ("GET", "/default-types", about.no_default_types),
    )
