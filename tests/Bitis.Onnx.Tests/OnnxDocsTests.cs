using System.Runtime.CompilerServices;
using Bitis.Tests;

namespace Bitis.Onnx.Tests;

/// <summary>The C# examples of docs/onnx.md compile and run.</summary>
public sealed class OnnxDocsTests
{
    private static readonly string Tests = Path.GetDirectoryName(ThisFile())!;

    [Fact]
    public void The_examples_run()
    {
        using var folder = new TempFolder();
        VisionModel model = VisionModel.LoadShipped("vim-micro-builtin");
        model.Save(folder["vim.safetensors"]);
        FloatTensor images = Bitis.Fuzz.MicroModels.Images(model.Config, 2);
        PostTrainingQuantizer.Quantize(model, CalibrationSet.FromTensors(images), new Recipe { Method = "minmax" })
            .Save(folder["vim.bitis"]);
        Examples.ExportExample.Run(folder.Path + Path.DirectorySeparatorChar);
        Examples.RunExample.Run(folder.Path + Path.DirectorySeparatorChar);
        Assert.True(File.Exists(folder["vim-w8a8.onnx"]));
    }

    [Fact]
    public void The_page_shows_what_runs()
    {
        string[] shown = File.ReadAllText(Path.Combine(Tests, "..", "..", "docs", "onnx.md"))
            .Split("```csharp\n")[1..];
        Assert.Equal(2, shown.Length);
        foreach ((string file, string example) in new[] { "ExportExample.cs", "RunExample.cs" }.Zip(shown))
        {
            string[] source = File.ReadAllLines(Path.Combine(Tests, file));
            int start = Array.FindIndex(source, line => line.EndsWith("// docs", StringComparison.Ordinal)) + 1;
            IEnumerable<string> lines = source.TakeWhile(line => line.StartsWith("using ", StringComparison.Ordinal))
                .Append("")
                .Concat(source.Skip(start).TakeWhile(line => !line.EndsWith("// end", StringComparison.Ordinal)))
                .Select(line => line.Trim().Replace("folder + ", "", StringComparison.Ordinal));
            Assert.Equal(example.Split("\n```")[0], string.Join('\n', lines));
        }
    }

    private static string ThisFile([CallerFilePath] string path = "") => path;
}
