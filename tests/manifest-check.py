"""Reads the manifests of a folder and says, one line each, what breaks its schema.

manifest_check.py FOLDER KEDA_SCHEMA: Kubernetes' own kinds against the JSON schemas that the package
`kubernetes-validate` carries, strictly; KEDA's against ours; the compose file (`compose.yaml` above
FOLDER) is held against the compose specification by the package `compose-spec`.
"""

import json
import sys
from pathlib import Path

import compose_spec
import jsonschema
import kubernetes_validate
import yaml

folder, keda = Path(sys.argv[1]), json.loads(Path(sys.argv[2]).read_text())
VERSION = "1.33"
checked = wrong = 0


def check(path, document):
    if document["apiVersion"].startswith("kustomize."):
        return
    if document["kind"] == "ScaledObject":
        jsonschema.validate(document, keda, jsonschema.Draft202012Validator)
    else:
        kubernetes_validate.validate(document, VERSION, strict=True)


for path in sorted(folder.glob("*.yaml")):
    for document in yaml.safe_load_all(path.read_text()):
        checked += 1
        try:
            check(path, document)
        except Exception as error:
            wrong += 1
            where = "/".join(str(part) for part in getattr(error, "path", []))
            print(f"{path.name}: {document.get('kind')}: {where}: {getattr(error, 'message', error)}")

for path in sorted(folder.parent.glob("compose*.yaml")):
    checked += 1
    try:
        merged = yaml.safe_load(path.read_text())
        compose_spec.PyCompose.from_json(json.dumps(merged)).validate()
    except Exception as error:
        wrong += 1
        print(f"{path.name}: {error}")

print(f"{checked} documents, {wrong} wrong")
