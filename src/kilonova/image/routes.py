"""Every URL of the image service."""

from kilonova.image import data, index, records, sharing, versions
from kilonova.web.application import Routes, routes_of

_IMAGE = "/v2/images/{image_id}"
_MEMBER = _IMAGE + "/members/{member_id}"


def routes() -> Routes:
    public = routes_of(
        ("GET", "/", versions.choices),
        ("GET", "/versions", versions.versions),
        ("GET", "/v2", versions.choices),
        public=True,
    )
    return routes_of(
        ("GET", "/v2/images", index.index),
        ("POST", "/v2/images", records.create),
        ("GET", _IMAGE, records.show),
        ("PATCH", _IMAGE, records.update),
        ("DELETE", _IMAGE, records.delete),
        ("GET", _IMAGE + "/file", data.download),
        ("PUT", _IMAGE + "/file", data.upload),
        ("POST", _IMAGE + "/actions/deactivate", records.deactivate),
        ("POST", _IMAGE + "/actions/reactivate", records.reactivate),
        ("POST", _IMAGE + "/import", versions.start_import),
        ("PUT", _IMAGE + "/tags/{tag}", records.add_tag),
        ("DELETE", _IMAGE + "/tags/{tag}", records.remove_tag),
        ("GET", _IMAGE + "/members", sharing.index),
        ("POST", _IMAGE + "/members", sharing.create),
        ("GET", _MEMBER, sharing.show),
        ("PUT", _MEMBER, sharing.update),
        ("DELETE", _MEMBER, sharing.delete),
        ("GET", "/v2/schemas/{name}", versions.schema),
        ("GET", "/v2/info/import", versions.import_methods),
        ("GET", _IMAGE + "/tasks", versions.image_tasks),
        ("GET", "/v2/tasks", versions.tasks),
        into=public,
    )
