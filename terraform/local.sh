# Makes the stack of an environment on the local AWS, as steps 1 and 2 of README.md make it on AWS. `deployer local up` runs it, and names in
# which environment; where the local AWS is, the provider reads from AWS_ENDPOINT_URL.
set -eu
cd "$(dirname "$0")"

data=$TF_DATA_DIR
values=environments/local-$DEPLOYER_ENVIRONMENT.tfvars

export TF_DATA_DIR="$data/bootstrap"
terraform -chdir=bootstrap init -no-color -reconfigure -lockfile=readonly -backend-config=path="$data/bootstrap.tfstate"
terraform -chdir=bootstrap apply -no-color -auto-approve -var-file="$values"

export TF_DATA_DIR="$data/root"
terraform init -no-color -reconfigure -lockfile=readonly -backend-config="environments/local-$DEPLOYER_ENVIRONMENT.s3.tfbackend"
terraform apply -no-color -auto-approve -var-file="$values"
