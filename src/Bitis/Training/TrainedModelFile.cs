using System.Runtime.InteropServices;
using Bitis.Checkpoints;
using Bitis.Models;

namespace Bitis.Training;

/// <summary>Writes the weights of a trained model as a safetensors file.</summary>
internal static class TrainedModelFile
{
    public static void Write(VisionModel model, string path) => SafetensorsWriter.Write(
        path,
        [
            .. model.Graph.Parameters.Select(parameter => new SafetensorsTensor(
                parameter.Name, DType.Float32, parameter.Shape, MemoryMarshal.AsBytes(model.Weights[parameter.Name].Span).ToArray())),
        ]);
}
