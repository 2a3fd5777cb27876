# Makes the stack of an environment on the local AWS, by the same steps as on AWS. `deployer local up` runs it.
set -eu
cd "$(dirname "$0")"

data=$TF_DATA_DIR
export TF_DATA_DIR="$data/state"
terraform -chdir=../state init -no-color -reconfigure -lockfile=readonly -backend-config=path="$data/state.tfstate"
terraform -chdir=../state apply -no-color -auto-approve
bucket=$(terraform -chdir=../state output -raw bucket)

export TF_DATA_DIR="$data/root"
terraform init -no-color -reconfigure -lockfile=readonly -backend-config=environments/local.s3.tfbackend \
  -backend-config="environments/$DEPLOYER_ENVIRONMENT.s3.tfbackend" -backend-config=bucket="$bucket"
terraform apply -no-color -auto-approve -var-file="environments/$DEPLOYER_ENVIRONMENT.tfvars"
