# Makes the stack of an environment, or changes it, and puts its contract into the ledger: `sh stack.sh dev`.
set -eu
stack=rates-$1

# Older AWS CLIs do not read the variable by themselves.
aws() {
  command aws ${AWS_ENDPOINT_URL:+--endpoint-url "$AWS_ENDPOINT_URL"} "$@"
}

aws cloudformation deploy --template-file template.yaml --stack-name "$stack" --capabilities CAPABILITY_NAMED_IAM \
  --no-fail-on-empty-changeset --parameter-overrides Environment="$1" LocalEndpoint="${AWS_ENDPOINT_URL:-}"
contract=$(aws cloudformation describe-stacks --stack-name "$stack" --output text \
  --query "Stacks[0].Outputs[?OutputKey=='Contract'].OutputValue")
aws dynamodb put-item --table-name "rates-ledger-$1" --item "$contract"
