using System.Text.Json;
using Microsoft.ML.OnnxRuntime;

#pragma warning disable IDE0130 // outside of Bitis, as a program is
namespace Examples;
#pragma warning restore IDE0130

/// <summary>The second C# example of docs/onnx.md.</summary>
internal static class RunExample
{
    public static void Run(string folder)
    {
        // docs
        using var session = new InferenceSession(folder + "vim-bytes.onnx");
        string[] names = JsonSerializer.Deserialize<string[]>(session.ModelMetadata.CustomMetadataMap["class_names"])!;
        byte[] pixels = new byte[32 * 32 * 3]; // red, green and blue of each pixel, row by row
        using var input = OrtValue.CreateTensorValueFromMemory(pixels, [1, 32, 32, 3]);
        using var options = new RunOptions();
        using var outputs = session.Run(options, session.InputNames, [input], session.OutputNames);
        float[] logits = outputs[0].GetTensorDataAsSpan<float>().ToArray();
        Console.WriteLine(names[Array.IndexOf(logits, logits.Max())]);
        // end
    }
}
