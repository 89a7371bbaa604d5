#!/usr/bin/env bash
# Runs the tests of kernels as a 64-bit ARM processor would, emulated by QEMU. Says nothing about speed. About five
# minutes, and some more the first time.
#
# Needs an x64 Debian, and at the first time its archive and nuget.org. Nothing is installed: 200 MB are downloaded and
# unpacked to artifacts/arm64, and to NuGet's cache. A qemu-aarch64 or qemu-aarch64-static on the path is used if there
# is one.
#
# Usage: tests/arm64.sh [test filter]
#   QEMU_CPU=cortex-a72 tests/arm64.sh      a processor without the 8-bit dot product; see qemu-aarch64 -cpu help
set -euo pipefail
cd "$(dirname "$0")/.."

suite=bookworm
keyring=/usr/share/keyrings/debian-archive-keyring.gpg
home=$PWD/artifacts/arm64
filter=${1:-Speed!=Slow&FullyQualifiedName~Bitis.Tests.Kernels}
mkdir -p "$home"

# Unpacks packages of Debian to a folder, with lists and caches of their own.
unpack() {
    local target=$1 apt=$home/apt
    shift
    if ! command -v dpkg-deb >/dev/null || [[ ! -f $keyring ]]; then
        echo "tests/arm64.sh unpacks packages of Debian: it needs apt-get, dpkg-deb and $keyring" >&2
        exit 1
    fi
    mkdir -p "$apt/lists/partial" "$apt/archives/partial" "$apt/parts" "$apt/packages"
    echo "deb [signed-by=$keyring] http://deb.debian.org/debian $suite main" >"$apt/sources.list"
    cat >"$apt/apt.conf" <<END
APT::Architectures {"amd64";"arm64";};
APT::Sandbox::User "";
Dir::State::Lists "$apt/lists";
Dir::Cache "$apt";
Dir::Etc::SourceList "$apt/sources.list";
Dir::Etc::SourceParts "$apt/parts";
END
    export APT_CONFIG=$apt/apt.conf
    [[ -n $(ls "$apt"/lists/*Packages* 2>/dev/null) ]] || apt-get update -qq
    (cd "$apt/packages" && rm -f ./*.deb && apt-get download -qq "$@")
    for package in "$apt"/packages/*.deb; do dpkg-deb -x "$package" "$target.new"; done
    mv "$target.new" "$target"
}

qemu=$(command -v qemu-aarch64-static || command -v qemu-aarch64 || true)
if [[ -z $qemu ]]; then
    [[ -d $home/qemu ]] || unpack "$home/qemu" "qemu-user-static/$suite"
    qemu=$home/qemu/usr/bin/qemu-aarch64-static
fi
packages=(libc6 libgcc-s1 libstdc++6 libssl3 zlib1g)
[[ -d $home/root ]] || unpack "$home/root" "${packages[@]/%/:arm64/$suite}"

# The .NET runtime and a host, which starts testhost.dll beside it.
mkdir -p "$home/host"
cat >"$home/host/testhost.csproj" <<'END'
<Project Sdk="Microsoft.NET.Sdk">
  <PropertyGroup>
    <OutputType>Exe</OutputType>
    <TargetFramework>net10.0</TargetFramework>
    <RuntimeIdentifier>linux-arm64</RuntimeIdentifier>
    <SelfContained>true</SelfContained>
  </PropertyGroup>
  <ItemGroup>
    <FrameworkReference Include="Microsoft.AspNetCore.App" />
  </ItemGroup>
</Project>
END
echo '<Project />' | tee "$home/host/Directory.Build.props" >"$home/host/Directory.Packages.props"
echo 'return 0;' >"$home/host/Program.cs"
version=$(dotnet msbuild "$home/host/testhost.csproj" -getProperty:BundledNETCoreAppPackageVersion)
if [[ ! -d $home/dotnet/shared/Microsoft.NETCore.App/$version ]]; then
    dotnet build "$home/host/testhost.csproj" -o "$home/host/out" --nologo -v quiet
    cache=$(dotnet nuget locals global-packages --list | sed 's/^global-packages: //')
    rm -rf "$home/dotnet"
    for framework in Microsoft.AspNetCore.App Microsoft.NETCore.App; do
        mkdir -p "$home/dotnet/shared/$framework/$version"
        pack=$cache/${framework,,}.runtime.linux-arm64/$version/runtimes/linux-arm64
        find "$pack" -type f -exec cp -t "$home/dotnet/shared/$framework/$version" {} +
    done
    mkdir -p "$home/dotnet/host/fxr/$version"
    cp "$home/dotnet/shared/Microsoft.NETCore.App/$version/libhostfxr.so" "$home/dotnet/host/fxr/$version"
fi

# The tests are the same files on all processors; only the process that runs them is another one. The emulator does not
# see code that .NET writes through a second mapping of its memory, hence no W^X.
dotnet build -c Release tests/Bitis.Tests --nologo -v quiet
rm -rf "$home/tests"
cp -al artifacts/bin/Bitis.Tests/release "$home/tests"
cp "$home/host/out/testhost" "$home/tests/"
cp "$home/tests/Bitis.Tests.deps.json" "$home/tests/testhost.deps.json"
cp "$home/tests/Bitis.Tests.runtimeconfig.json" "$home/tests/testhost.runtimeconfig.json"
cat >"$home/dotnet.sh" <<END
#!/usr/bin/env bash
# dotnet exec ... testhost.dll ARGUMENTS
while [[ \$1 != *testhost.dll ]]; do shift; done
shift
export DOTNET_ROOT="$home/dotnet" DOTNET_EnableWriteXorExecute=0
exec "$qemu" -L "$home/root" "$home/tests/testhost" "\$@"
END
chmod +x "$home/dotnet.sh"
export VSTEST_CONNECTION_TIMEOUT=600
dotnet test "$home/tests/Bitis.Tests.dll" --nologo --filter "$filter" -- \
    "RunConfiguration.DotNetHostPath=$home/dotnet.sh"
