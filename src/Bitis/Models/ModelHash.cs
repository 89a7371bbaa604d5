using System.Runtime.InteropServices;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using Bitis.Tensors;

namespace Bitis.Models;

/// <summary>Adds models to the digests by which finished work is recognized.</summary>
internal static class ModelHash
{
    /// <summary>Adds all that answers depend on: architecture, preprocessing, classes and weights.</summary>
    /// <remarks>The same weights are another model with another stride, say, or without halved directions.</remarks>
    public static void AppendModel(this IncrementalHash hash, VisionModel model)
    {
        hash.AppendData(JsonSerializer.SerializeToUtf8Bytes(model.Config, ModelJson.Default.ModelConfig));
        hash.AppendData(JsonSerializer.SerializeToUtf8Bytes(model.Preprocessing, ModelJson.Default.Preprocessing));
        if (model.ClassNames is { } names)
            hash.AppendData(JsonSerializer.SerializeToUtf8Bytes(names, ModelJson.Default.IReadOnlyListString));
        foreach ((string name, FloatTensor weight) in model.Weights.OrderBy(pair => pair.Key, StringComparer.Ordinal))
        {
            hash.AppendData(Encoding.UTF8.GetBytes($"{name} {weight.Shape}"));
            hash.AppendData(MemoryMarshal.AsBytes(weight.Span));
        }
    }
}
