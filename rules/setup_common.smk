"""What the rules of setup.smk share: the table of sources, looked at from several sides."""

from splicebert.source_table import load_sources

try:
    SOURCES = load_sources(config["sources_table"], ROOT)
except ConfigError as error:
    raise WorkflowError(str(error))

DOWNLOADS = {source["file"]: source for source in SOURCES.values() if source["url"]}
BY_HAND = {source["file"]: source for source in SOURCES.values() if source["manual"]}
GENOME_DOWNLOADS = {
    Path(source["decompress"]).parent.name: f"resources/downloads/{source['file']}"
    for source in SOURCES.values()
    if source["decompress"]
}
# Source, group and members of every group of files to unpack.
UNPACKS = [
    (name, group, members)
    for name, source in SOURCES.items()
    for group, members in source["members"].items()
]
MODEL_SHA256 = {
    f"{entry['folder']}/{file}": sha256
    for entry in MODELS.values()
    if "folder" in entry
    for file, sha256 in entry["sha256"].items()
}


def archive_of(name, members):
    """Input function: a source's archive; none where its files were put in place by hand instead."""
    archive = Path(f"resources/downloads/{SOURCES[name]['file']}")

    def choose(wildcards):
        placed = all(Path(path).exists() for path in members.values())
        by_hand = SOURCES[name]["manual"] and placed and not archive.exists()
        return {} if by_hand else {"archive": str(archive)}

    return choose


def known_sha256(name, members):
    """Known checksums of the files that a group of members becomes."""
    known = MODEL_SHA256 | SOURCES[name]["sha256"]
    return {path: known[path] for path in members.values() if path in known}
