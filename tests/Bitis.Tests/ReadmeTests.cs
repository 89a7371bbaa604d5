using System.Runtime.CompilerServices;
using Bitis.Cli;
using Bitis.Cli.Input;
using Bitis.Quantization.Recipes;
using Xunit.Abstractions;

namespace Bitis.Tests;

/// <summary>What the README and the recipe example show compiles, runs, and parses.</summary>
public sealed class ReadmeTests(ITestOutputHelper output)
{
    internal static readonly string Root = Directory.GetParent(ThisFile())!.Parent!.Parent!.FullName;
    internal static readonly string Readme = File.ReadAllText(Path.Combine(Root, "README.md"));

    [Fact]
    public void The_library_example_runs()
    {
        using var folder = new TempFolder();
        PrepareFiles(folder);
        ReadmeExample.Run(folder.Path + Path.DirectorySeparatorChar, output);
        Assert.True(QuantizedModel.IsQuantized(folder["vim.bitis"]));
    }

    [Fact]
    public void The_library_example_is_the_one_that_the_test_runs()
    {
        string[] source = File.ReadAllLines(Path.Combine(Root, "tests", "Bitis.Tests", "ReadmeExample.cs"));
        IEnumerable<string> usings = source
            .Where(line => line.StartsWith("using Bitis", StringComparison.Ordinal))
            .Prepend("using Bitis;"); // the test stands in a namespace below it
        int start = Array.FindIndex(source, line => line.EndsWith("// README", StringComparison.Ordinal)) + 1;
        IEnumerable<string> example = source.Skip(start)
            .TakeWhile(line => !line.EndsWith("// end", StringComparison.Ordinal))
            .Select(line => line.Trim().Replace("folder + ", "").Replace("output.WriteLine", "Console.WriteLine"));
        Assert.Equal(
            Readme.Split("```csharp\n")[1].Split("\n```")[0], string.Join('\n', [.. usings, "", .. example]));
    }

    [Fact]
    public void Every_command_line_parses()
    {
        string[] commands = [.. Readme.Split('\n').Where(line => line.StartsWith("bitis ", StringComparison.Ordinal))];
        Assert.NotEmpty(commands);
        foreach (string command in commands)
        {
            string[] words = command.Split(' ', StringSplitOptions.RemoveEmptyEntries);
            var context = new CliContext { Output = TextWriter.Null, Error = TextWriter.Null };
            Assert.Empty(CommandLine.CreateRoot(context).Parse(words[1..]).Errors);
        }
    }

    [Fact]
    public void Every_command_is_in_the_table()
    {
        var context = new CliContext { Output = TextWriter.Null, Error = TextWriter.Null };
        Assert.All(
            CommandLine.CreateRoot(context).Subcommands,
            command => Assert.Contains($"\n| `{command.Name}` | ", Readme, StringComparison.Ordinal));
    }

    [Fact]
    public void The_recipe_example_is_a_recipe()
    {
        string page = File.ReadAllText(Path.Combine(Root, "docs", "quantization.md"));
        using var folder = new TempFolder();
        string file = folder.WriteText("recipe.json", page.Split("```json\n")[1].Split("\n```")[0]);
        Recipe recipe = RecipeFile.Load(file);
        Assert.Equal(new BitWidths(4, 8), recipe.Bits);
        Assert.Equal(Granularity.PerToken, recipe.ActivationGranularity);
        Assert.Equal(3, recipe.Overrides.Count);
    }

    /// <summary>The files that the example names.</summary>
    internal static void PrepareFiles(TempFolder folder)
    {
        File.Copy(GoldenFiles.Path("vim-micro.pth"), folder["vim.pth"]);
        File.Copy(GoldenFiles.Path("images/rgb.png"), folder["photo.png"]);
        folder.CreateFolder("photos");
        foreach (string name in (string[])["rgb.png", "gray.png", "photo.bmp"])
            File.Copy(GoldenFiles.Path($"images/{name}"), folder[$"photos/{name}"]);
    }

    private static string ThisFile([CallerFilePath] string path = "") => path;
}
