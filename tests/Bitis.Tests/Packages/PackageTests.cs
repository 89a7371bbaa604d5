using System.Runtime.InteropServices;
using System.Text.RegularExpressions;
using System.Xml.Linq;

namespace Bitis.Tests.Packages;

/// <summary>The packages, from packing to a program that uses them, and the command as a tool.</summary>
[Trait(Speed.Name, Speed.Slow)]
public sealed partial class PackageTests(PackageFiles packages) : IClassFixture<PackageFiles>, IDisposable
{
    private readonly TempFolder _folder = new();

    public static TheoryData<string> Packages =>
        ["Bitis", "Bitis.Imaging", "Bitis.Gpu", "Bitis.Onnx", "Bitis.Models", "Bitis.Cli"];

    public void Dispose() => _folder.Dispose();

    [Theory]
    [MemberData(nameof(Packages))]
    public void A_package_describes_itself(string package)
    {
        IReadOnlyDictionary<string, XElement> metadata = packages.Metadata(package);
        Assert.Equal("Apache-2.0", metadata["license"].Value);
        Assert.Equal("The Bitis authors", metadata["authors"].Value);
        Assert.Contains("quantization", metadata["tags"].Value);
        Assert.Contains("Bitis", metadata["id"].Value);
        Assert.NotEmpty(metadata["description"].Value);
        Assert.Equal("README.md", metadata["readme"].Value);
    }

    [Theory]
    [InlineData("Bitis", "README.md")]
    [InlineData("Bitis.Imaging", "README.md")]
    [InlineData("Bitis.Gpu", "docs/gpu.md")]
    [InlineData("Bitis.Onnx", "docs/onnx.md")]
    [InlineData("Bitis.Models", "models/README.md")]
    [InlineData("Bitis.Cli", "README.md")]
    public void Its_readme_names_files_instead_of_links_that_lead_nowhere(string package, string source)
    {
        string page = File.ReadAllText(Path.Combine(ReadmeTests.Root, source));
        string readme = packages.Read(package, "README.md");
        Assert.DoesNotMatch(RelativeLinkPattern(), readme);
        Match[] links = [.. RelativeLinkPattern().Matches(page).Cast<Match>()];
        Assert.NotEmpty(links);
        Assert.All(
            links, link => Assert.Contains($"{link.Groups["text"].Value} (`{link.Groups["file"].Value}`)", readme));
    }

    [Fact]
    public void Only_the_models_and_the_tool_have_weights()
    {
        Assert.DoesNotContain(packages.Files("Bitis"), IsWeights);
        Assert.DoesNotContain(packages.Files("Bitis.Imaging"), IsWeights);
        Assert.DoesNotContain(packages.Files("Bitis.Gpu"), IsWeights);
        Assert.Equal(5, packages.Files("Bitis.Models").Count(IsWeights));
        Assert.DoesNotContain(packages.Files("Bitis.Models"), file => file.EndsWith(".dll", StringComparison.Ordinal));
        Assert.False(packages.Metadata("Bitis.Models").ContainsKey("dependencies"));
        Assert.Equal(5, packages.Files("Bitis.Cli").Count(IsWeights));
    }

    [Fact]
    public void The_library_has_symbols_and_documentation()
    {
        Assert.True(File.Exists(Path.Combine(packages.Folder, $"Bitis.{packages.Version}.snupkg")));
        Assert.Contains("lib/net10.0/Bitis.xml", packages.Files("Bitis"));
        Assert.Contains("buildTransitive/Bitis.targets", packages.Files("Bitis"));
    }

    [Fact]
    public void The_readme_example_runs_in_a_program_that_has_the_packages_only()
    {
        string example = ReadmeTests.Readme.Split("```csharp\n")[1].Split("\n```")[0];
        _folder.WriteText("App.csproj", $"""
            <Project Sdk="Microsoft.NET.Sdk">
              <PropertyGroup>
                <OutputType>Exe</OutputType>
                <TargetFramework>net10.0</TargetFramework>
                <ImplicitUsings>enable</ImplicitUsings>
                <Nullable>enable</Nullable>
                <TreatWarningsAsErrors>true</TreatWarningsAsErrors>
                <NuGetAudit>false</NuGetAudit>
                <RestoreAdditionalProjectSources>{packages.Folder}</RestoreAdditionalProjectSources>
                <RestorePackagesPath>packages</RestorePackagesPath>
                <RestoreFallbackFolders>{GlobalPackages}</RestoreFallbackFolders>
              </PropertyGroup>
              <ItemGroup>
                <PackageReference Include="Bitis.Imaging" Version="{packages.Version}" />
                <PackageReference Include="Bitis.Models" Version="{packages.Version}" />
                <PackageReference Include="{NativePackage}" Version="{NativeVersion}" />
              </ItemGroup>
            </Project>
            """);
        const string shipped = "Console.WriteLine(VisionModel.LoadShipped(\"vim-micro-builtin\").ClassNames!.Count);";
        _folder.WriteText("Program.cs", $"{example}\n{shipped}\n");
        ReadmeTests.PrepareFiles(_folder);
        DotnetCommand.Run(_folder.Path, "build", "-c", "Release", "-o", _folder["out"]);
        string[] lines = DotnetCommand.Run(_folder.Path, _folder["out/App.dll"]).Trim().Split('\n');
        Assert.StartsWith("Prediction", lines[0]);
        Assert.Equal("10", lines[1]);
        Assert.True(QuantizedModel.IsQuantized(_folder["vim.bitis"]));

        // The file for MSBuild that the package brings: what a program compiled ahead of time is told.
        string instructionSet = DotnetCommand.Run(
            _folder.Path,
            "msbuild",
            "App.csproj",
            "-t:ChooseInstructionSetForBitis",
            "-getProperty:IlcInstructionSet",
            "-p:RuntimeIdentifier=linux-x64");
        Assert.Equal("x86-64-v3", instructionSet.Trim());
    }

    [Fact]
    public void The_tool_installs_and_classifies_an_image()
    {
        string tools = _folder["tools"];
        DotnetCommand.Run(
            _folder.Path, "tool", "install", "Bitis.Cli", "--version", packages.Version, "--tool-path", tools,
            "--add-source", packages.Folder);
        string bitis = Path.Combine(tools, OperatingSystem.IsWindows() ? "bitis.exe" : "bitis");
        string version = DotnetCommand.RunProgram(bitis, _folder.Path, "version");
        Assert.Contains(packages.Version, version);
        Assert.Contains("libvips 8", version);
        string image = GoldenFiles.Path("images/rgb.png");
        Assert.Contains("%", DotnetCommand.RunProgram(bitis, _folder.Path, "classify", "vim-micro-builtin", image));
    }

    /// <summary>The packages that this machine already has, so that a restore downloads nothing again.</summary>
    private static string GlobalPackages =>
        Environment.GetEnvironmentVariable("NUGET_PACKAGES")
        ?? Path.Combine(Environment.GetFolderPath(Environment.SpecialFolder.UserProfile), ".nuget", "packages");

    /// <summary>libvips for this machine.</summary>
    private static string NativePackage
    {
        get
        {
            bool isMusl = RuntimeInformation.RuntimeIdentifier.Contains("musl", StringComparison.Ordinal);
            string linux = isMusl ? "linux-musl" : "linux";
            string system = OperatingSystem.IsWindows() ? "win" : OperatingSystem.IsMacOS() ? "osx" : linux;
            return $"NetVips.Native.{system}-{RuntimeInformation.ProcessArchitecture.ToString().ToLowerInvariant()}";
        }
    }

    private static string NativeVersion =>
        XDocument.Load(Path.Combine(ReadmeTests.Root, "Directory.Packages.props")).Descendants("PackageVersion")
            .Single(element => element.Attribute("Include")!.Value == NativePackage).Attribute("Version")!.Value;

    private static bool IsWeights(string file) => file.EndsWith(".safetensors", StringComparison.Ordinal);

    [GeneratedRegex(
        @"\[(?<text>[^\]]*)\]\((\.\./)*(?<file>[^):#]+)(#[^)]*)?\)",
        RegexOptions.ExplicitCapture | RegexOptions.NonBacktracking)]
    private static partial Regex RelativeLinkPattern();
}
