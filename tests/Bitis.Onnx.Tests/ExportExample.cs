using Bitis;

#pragma warning disable IDE0130 // outside of Bitis, as a program is
namespace Examples;
#pragma warning restore IDE0130

/// <summary>The first C# example of docs/onnx.md.</summary>
internal static class ExportExample
{
    public static void Run(string folder)
    {
        // docs
        VisionModel model = VisionModel.Load(folder + "vim.safetensors");
        OnnxModel.Export(model, folder + "vim.onnx");
        OnnxModel.Export(model, folder + "vim-bytes.onnx", new OnnxOptions { Opset = 21, TakesBytes = true });
        QuantizedModel quantized = QuantizedModel.Load(folder + "vim.bitis");
        OnnxModel.Export(quantized, folder + "vim-w8a8.onnx");
        // end
    }
}
